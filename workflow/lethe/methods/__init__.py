"""How a stage is trained so that less is forgotten: one method a file, same hooks."""
