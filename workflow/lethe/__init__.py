"""Lethe measures how much a language model forgets when it is trained on one thing after another."""

__version__ = "0.1.0"
