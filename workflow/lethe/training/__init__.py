"""The only training loop, for bases, stages and end tasks, every method and family."""
