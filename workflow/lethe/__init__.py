"""Lethe: how language models forget when they are trained on one thing after another."""

__version__ = "0.1.0"
