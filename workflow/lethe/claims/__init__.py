"""Published statements written beforehand as tests on scores, each with its verdict."""
