"""The only training loop, for bases and stages, every method and family."""
