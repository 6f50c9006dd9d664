"""Hyper-parameters of O-LoRA (Wang et al. 2023)."""

from typing import Literal

from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import Number, parameter

WANG = "Wang et al. 2023"


class OloraParameters(MethodParameters):
    """The penalty on what two tasks' adapters have in common."""

    only_with = ("lora:one-a-task",)

    weight: Number = parameter(
        0.5,
        "lambda_1 of Eq. 7, weight of the penalty; 0: none. The authors took 0.5 to 5",
        f"{WANG}, released code",
        ge=0,
    )
    norm: Literal["squared", "absolute"] = parameter(
        "squared", "of the entries of A_s A_t^T, which are summed", f"{WANG}, Eq. 8"
    )


PARAMETERS = OloraParameters
