"""What runs the forward passes of an evaluation."""
