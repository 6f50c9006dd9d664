"""Fetching from the hub: with `packages`, the only code that uses the network."""
