"""Hyper-parameters of task arithmetic (Ilharco et al. 2023), with DARE (Yu et al. 2024)."""

from lethe.methods.parameters.base import MergedFromBase
from lethe.parameters.entries import Number, parameter


class TaskArithmeticParameters(MergedFromBase):
    """How task vectors are added up."""

    cost = (
        "a copy of what is trained in every checkpoint; the base in memory at both ends of a stage"
    )

    scale: Number = parameter(
        0.4,
        "lambda, factor of the sum; 0: the base, 1: the sum itself",
        "Ilharco et al. 2023, as Yadav et al. 2023 use it without validation data",
        ge=0,
    )
    drop: Number = parameter(
        0.0,
        "share p of a vector's entries that become 0, at random, the others divided by 1 - p "
        "(DARE); 0: none",
        ge=0,
        lt=1,
    )


PARAMETERS = TaskArithmeticParameters
