"""Hyper-parameters of KD (Li & Hoiem 2016)."""

from typing import Literal

from lethe.methods.parameters.base import CODE_OF_KE, MASKED, MethodParameters
from lethe.parameters.entries import Number, Positive, parameter


class KdParameters(MethodParameters):
    """The distance to the parent's outputs."""

    cost = "the parent in memory, and its forward pass over every batch"

    families_with = {("compare", "hidden"): MASKED}

    weight: Number = parameter(1.0, "weight of the distance; 0: none", CODE_OF_KE, ge=0)
    temperature: Positive = parameter(1.0, "temperature T that divides outputs", CODE_OF_KE)
    compare: Literal["logits", "hidden"] = parameter(
        "logits",
        "outputs to compare: scores at the labelled positions, or last hidden states (masked "
        "language models only), as in Ke et al. 2023",
    )


PARAMETERS = KdParameters
