"""How a study becomes nodes: the parts that `lethe.planning.plan` puts together."""
