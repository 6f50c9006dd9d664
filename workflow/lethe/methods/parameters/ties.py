"""Hyper-parameters of TIES (Yadav et al. 2023)."""

from lethe.methods.parameters.base import MergedFromBase
from lethe.parameters.entries import Number, parameter


class TiesParameters(MergedFromBase):
    """How task vectors are trimmed and merged."""

    cost = (
        "`density` x 8 bytes a trained parameter for each stage so far, in every checkpoint; the "
        "base in memory at both ends of a stage"
    )

    scale: Number = parameter(
        1.0,
        "lambda, factor of the merged vector; 0: the base",
        "Yadav et al. 2023, without validation data",
        ge=0,
    )
    density: Number = parameter(
        0.2,
        "share of a task vector's entries that are kept, those of largest size",
        "Yadav et al. 2023",
        gt=0,
        le=1,
    )


PARAMETERS = TiesParameters
