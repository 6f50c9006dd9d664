"""Where data comes from: a generated world, generated domains, the hub, local files."""
