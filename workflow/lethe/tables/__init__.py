"""One table per file, made from the long tables."""
