"""What a study's YAML may hold: typed entries, and how they are read and checked."""
