"""Real words, facts and prose from packages: evaluation sets, instruction tasks, held-out prose."""
