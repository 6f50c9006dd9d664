"""One figure a file, drawn from the long tables."""
