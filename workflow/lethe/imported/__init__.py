"""Scores that were made elsewhere: lm-eval's result files as the probes of a chain."""
