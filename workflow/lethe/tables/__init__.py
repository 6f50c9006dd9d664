"""One table a file, made from the long tables."""
