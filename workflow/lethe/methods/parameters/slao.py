"""Hyper-parameters of SLAO (Qiao & Mahdavi 2025)."""

from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import Number, parameter

QIAO = "Qiao & Mahdavi 2025"


class SlaoParameters(MethodParameters):
    """How a stage begins, and how it is merged. With `power: 0` and without `orthogonal` it is
    plain LoRA."""

    since_its_base = True
    only_with = ("lora:same",)
    not_with = {"lora:dora": "the paper does not say how lengths of weights are merged"}

    power: Number = parameter(
        0.5, "stage i is merged with a weight of i to the minus `power`; 0: it replaces", QIAO, ge=0
    )
    orthogonal: bool = parameter(
        True, "a stage begins with orthonormal rows of A that span those of the last stage", QIAO
    )


PARAMETERS = SlaoParameters
