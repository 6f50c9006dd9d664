"""Typed parameters: kinds of values, strict entries, and messages about wrong ones."""
