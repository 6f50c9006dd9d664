"""Hyper-parameters of the running mean of weights."""

from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import Number, parameter


class EmaParameters(MethodParameters):
    """The running mean."""

    copies = 1
    cost = "a copy of what is trained, in snapshots too"

    decay: Number = parameter(
        0.99,
        "share of the mean that every step keeps; 0: the last weights alone. The parent's weights "
        "have decay^steps of the mean at the end",
        ge=0,
        lt=1,
    )


PARAMETERS = EmaParameters
