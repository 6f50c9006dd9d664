"""Scores that were made elsewhere: lm-eval's result files as probe results of a chain."""
