"""How a study becomes nodes: `lethe.planning.plan` combines the parts."""
