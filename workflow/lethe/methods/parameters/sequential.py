"""Plain fine-tuning has no hyper-parameters."""

from lethe.methods.parameters.base import MethodParameters


class SequentialParameters(MethodParameters):
    """None."""


PARAMETERS = SequentialParameters
