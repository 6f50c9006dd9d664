"""How a stage is trained so that less is forgotten: one method per file, same hooks."""
