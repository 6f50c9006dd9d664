"""Rows of evaluation files: each is scored as it stands, or refused with its file and line."""
