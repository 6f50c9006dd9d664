"""Hyper-parameters of FLOW (Sanyal et al. 2025)."""

from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import Number, parameter


class FlowParameters(MethodParameters):
    """The weights of examples."""

    needs_base = True
    cost = "a forward pass of the base over the stage's examples, once, with the base in memory"

    sharpness: Number = parameter(
        1.0,
        "factor of an example's loss over the median loss, in the exponent of its weight; 0: all "
        "examples weigh the same",
        "Sanyal et al. 2025 (arXiv 2502.02797)",
        ge=0,
    )


PARAMETERS = FlowParameters
