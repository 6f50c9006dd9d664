"""Six generated domains in two groups, with end tasks: continual pre-training in miniature."""
