"""Scores that are not the means of what their items hold."""

CORPUS_LEVEL = frozenset({"sari", "bleu", "chrf", "ter"})
"""Metrics of a whole corpus: their items hold the sentence-level value, whose mean is another."""

NATS = frozenset({"gold_logprob", "margin"})
"""Scores in nats, which have a column of their own in a table of items."""

BY_TOKEN = frozenset({"mlm_loss", "mlm_accuracy", "lm_loss", "lm_accuracy"})
"""Means over predicted tokens of texts: their items hold a text's mean, and its tokens."""

SENTENCE_NOTE = "interval from sentence-level scores"
SAME = 1e-6
"""A score is its items' mean if they differ by no more."""
