"""What a study's YAML may say: typed entries, how they are read, and sentences about mistakes."""
