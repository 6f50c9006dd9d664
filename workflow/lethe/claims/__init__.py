"""Published statements, written in advance as tests on scores, each with its verdict."""
