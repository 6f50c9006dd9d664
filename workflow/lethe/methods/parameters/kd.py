"""Hyper-parameters of KD (Li & Hoiem 2016)."""

from typing import Literal

from pydantic import model_validator

from lethe.methods.parameters.base import CODE_OF_KE, MASKED, MethodParameters
from lethe.parameters.entries import Number, Positive, parameter


class KdParameters(MethodParameters):
    """The distance to the outputs of the parent, or of the base."""

    networks = 1
    cost = "the teacher in memory, and its forward pass over every batch"

    families_with = {("compare", "hidden"): MASKED}
    base_with = (("teacher", "base"),)

    weight: Number = parameter(1.0, "weight of the distance; 0: none", CODE_OF_KE, ge=0)
    temperature: Positive = parameter(1.0, "temperature T that divides outputs", CODE_OF_KE)
    compare: Literal["logits", "hidden"] = parameter(
        "logits",
        "outputs to compare: scores at the labelled positions, or last hidden states (masked "
        "language models only), as in Ke et al. 2023",
    )
    teacher: Literal["parent", "base"] = parameter(
        "parent",
        "network to stay near: the stage's parent, or the one that the chain began with",
        "Li & Hoiem 2016",
        added=True,
    )
    target: Literal["kept", "removed"] = parameter(
        "kept",
        "whether the label's own token is left out of both distributions, which are then "
        "normalised again, so that the distance does not resist what the stage teaches (Mask the "
        "Target, arXiv 2605.29498)",
        "Li & Hoiem 2016",
        added=True,
    )

    @model_validator(mode="after")
    def _targets_are_tokens(self) -> "KdParameters":
        if self.compare == "hidden" and self.target == "removed":
            raise ValueError(
                "`target: removed` with `compare: logits`, as hidden states have no token to "
                "remove; set one of the two"
            )
        return self


PARAMETERS = KdParameters
