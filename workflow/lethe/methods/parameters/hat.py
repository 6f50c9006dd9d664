"""Hyper-parameters of HAT (Serra et al. 2018)."""

from typing import Literal

from lethe.methods.parameters.base import HardAttention
from lethe.parameters.entries import parameter


class HatParameters(HardAttention):
    """Gates on the encoder itself."""

    # Factors of the gradients, and the values of what earlier domains use.
    copies = 2

    layers: Literal["ffn_attention", "all"] = parameter(
        "ffn_attention",
        "gated units: attention heads and intermediate neurons (the rest is trained freely), or "
        "output neurons too (parameters without a gate are frozen after the first domain)",
        "HAT and HAT-All of Ke et al. 2023",
    )


PARAMETERS = HatParameters
