"""Hyper-parameters of WiSE-FT (Wortsman et al. 2022)."""

from typing import Literal

from lethe.methods.parameters.base import NOT_OF_THE_BASE, MethodParameters
from lethe.parameters.entries import Share, parameter


class WiseFtParameters(MethodParameters):
    """The mean of two networks' weights."""

    base_with = (("toward", "base"),)
    not_with = {
        "lora:same": "the mean of what an adapter was and what it became is no adapter of its rank",
        "lora:dora": "DoRA rescales the weights, and the mean of that is no adapter",
    }
    not_with_values = {
        ("toward", "base"): dict.fromkeys(("lora", "adapters"), NOT_OF_THE_BASE),
    }
    copies = 1
    cost = "a copy of what is trained"

    alpha: Share = parameter(
        0.5,
        "share of the trained weights in what the stage passes on; 1: plain training, 0: what it "
        "is averaged with",
        "Wortsman et al. 2022",
    )
    toward: Literal["parent", "base"] = parameter(
        "parent",
        "what the trained weights are averaged with: the stage's parent, or the network that the "
        "chain began with",
    )


PARAMETERS = WiseFtParameters
