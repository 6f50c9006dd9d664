"""Hyper-parameters of experience replay."""

from lethe.methods.parameters.base import OTHER_TEXTS, MethodParameters
from lethe.parameters.entries import Count, Number, Positive, parameter


class ReplayParameters(MethodParameters):
    """Of the replayed examples."""

    reads_earlier = True
    not_with_held_rows = OTHER_TEXTS
    cost = "`ratio` more examples in a step; no more memory"
    since_its_base = True
    capacity_of = "stage"

    ratio: Positive = parameter(
        0.25, "replayed examples for each of the stage's own in a step, on average", le=100
    )
    weight: Number = parameter(
        1.0, "what a replayed example counts, against one of the stage's own; 0: none", ge=0
    )
    capacity: Count | None = parameter(
        None, "examples kept of each earlier stage; null: all of them"
    )


PARAMETERS = ReplayParameters
