"""What surrounds a job's process: its environment, its driver, its network access and memory."""
