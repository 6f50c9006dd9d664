"""Where the data of a stage comes from: sources, mixtures and batches."""
