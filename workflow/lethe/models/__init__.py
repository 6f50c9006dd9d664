"""Load, save and run the model families."""
