"""What surrounds a job's process: its environment, limits, device and the fork server."""
