"""A run on a SLURM cluster whose scheduler may go away: patient commands, jobs of killed runs."""
