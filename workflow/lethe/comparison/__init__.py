"""What fine-tuning lost: checkpoints or result files scored alike, compared set by set."""
