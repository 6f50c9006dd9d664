"""Typed parameters: kinds of values, strict entries, and what is said of wrong ones."""
