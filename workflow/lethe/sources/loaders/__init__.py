"""Datasets from the hub or local files, one module each; `registry.LOADERS` lists them all."""
