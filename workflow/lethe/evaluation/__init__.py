"""Evaluation through lm-eval, and the metrics of generated text."""
