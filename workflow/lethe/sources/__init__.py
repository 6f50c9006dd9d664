"""Where data comes from: generated worlds and domains, packages, the hub, local files."""
