"""Hyper-parameters of L2-SP (Li, Grandvalet & Davoine 2018)."""

from typing import Literal

from lethe.methods.parameters.base import NOT_OF_THE_BASE, MethodParameters
from lethe.parameters.entries import Number, parameter


class L2spParameters(MethodParameters):
    """The penalty on the way from the starting point."""

    base_with = (("anchor", "base"),)
    not_with_values = {
        ("anchor", "base"): dict.fromkeys(("lora", "adapters"), NOT_OF_THE_BASE),
    }
    copies = 1
    cost = "a copy of what is trained"

    strength: Number = parameter(
        0.1,
        "alpha of the paper, weight of the penalty; 0: none",
        "ours, not tuned",
        ge=0,
    )
    anchor: Literal["parent", "base"] = parameter(
        "parent",
        "the starting point: the parameters with which the stage begins (of a fresh adapter, its "
        "own first values), or those of the network that the chain began with",
    )


PARAMETERS = L2spParameters
