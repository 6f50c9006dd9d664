"""Datasets of the hub and of local files, one file a dataset; `registry.LOADERS` names them all."""
