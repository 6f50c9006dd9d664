"""How a study becomes nodes: the parts that `lethe.plan` puts together."""
