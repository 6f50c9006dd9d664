"""Where data comes from: generated worlds, packages, the hub, local files."""
