"""Hyper-parameters of A-GEM (Chaudhry et al. 2019)."""

from lethe.methods.parameters.base import OTHER_TEXTS, MethodParameters
from lethe.parameters.entries import Count, parameter


class AgemParameters(MethodParameters):
    """The draw that no step may forget, and the projection."""

    reads_earlier = True
    not_with_held_rows = OTHER_TEXTS
    copies = 1
    cost = "a backward pass over `replayed` examples in a step, and another gradient in memory"
    since_its_base = True
    capacity_of = "stage"

    replayed: Count = parameter(16, "earlier examples whose gradient a step is held against")
    capacity: Count | None = parameter(
        None, "examples kept of each earlier stage; null: all of them"
    )
    project: bool = parameter(
        True, "whether gradients are projected at all", "Chaudhry et al. 2019, Eq. 11"
    )


PARAMETERS = AgemParameters
