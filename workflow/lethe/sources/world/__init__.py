"""The miniature's generator: a small world in readable English, its corpora, tasks and items."""
