"""Plain fine-tuning, one task after another: the reference for every remedy."""

from lethe.methods.contract import Method


class Sequential(Method):
    """No remedy at all (Luo et al. 2023; "naive" or NCL in Ke et al. 2023)."""


METHOD = Sequential
