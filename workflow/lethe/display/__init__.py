"""What a run shows of itself: jobs by words, the time left, and at its end what failed and why."""
