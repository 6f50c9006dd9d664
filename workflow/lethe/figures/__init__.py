"""One figure per file, drawn from the long tables."""
