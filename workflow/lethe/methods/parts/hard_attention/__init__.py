"""Hard attention to the task (Serra et al. 2018): gates on units, learned for each domain."""
