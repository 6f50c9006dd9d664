"""Fetching from the hub: the only code that uses the network."""
