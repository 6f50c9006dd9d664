"""Forgetting and transfer: pure functions on score matrices, with intervals."""
