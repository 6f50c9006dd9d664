"""Directions of a weight that are kept, and changes without any part in them."""
