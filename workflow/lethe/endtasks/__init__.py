"""End tasks: a copy of a checkpoint is fine-tuned as a classifier, scored, and discarded."""
