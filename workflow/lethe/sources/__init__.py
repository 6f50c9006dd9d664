"""Where data comes from: a generated world, generated domains, the hub, packages, local files."""
