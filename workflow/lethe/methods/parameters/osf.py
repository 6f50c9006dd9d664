"""Hyper-parameters of OSF (Nayak et al. 2025)."""

from typing import Literal

from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import Share, parameter

NAYAK = "Nayak et al. 2025"


class OsfParameters(MethodParameters):
    """Which directions are kept, and what is projected."""

    copies = 2
    cost = "a copy of the matrices, and their directions, which are found before the first step"
    not_with = {
        "lora": "a low-rank adapter is not the matrix whose directions are kept",
        "adapters": "the matrices whose directions are kept are not trained",
    }

    share: Share = parameter(
        0.5,
        "share of each matrix's directions that is kept; 0: none, and all of it is trained",
        "PEFT's OSF",
    )
    rank: Literal["share", "energy"] = parameter(
        "share",
        "what the share is of: the number of directions of the smaller side, or the sum of squared "
        "singular values",
    )
    project: Literal["update", "gradient", "both"] = parameter(
        "update",
        "what is projected: the change after the optimizer's update, so that nothing leaks; the "
        "gradient, as its authors do, which AdamW undoes in part; or both",
        f"{NAYAK} (gradient)",
    )
    others: Literal["trained", "frozen"] = parameter(
        "trained",
        "embeddings, head, norms and biases, whose directions are not kept: trained freely, or "
        "frozen as in PEFT's OSF",
    )


PARAMETERS = OsfParameters
