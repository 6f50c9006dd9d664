"""Hyper-parameters of DER++ (Buzzega et al. 2020)."""

from lethe.methods.parameters.base import OTHER_TEXTS, MethodParameters
from lethe.parameters.entries import Count, Number, parameter


class DerppParameters(MethodParameters):
    """The buffer and its two terms."""

    since_its_base = True
    capacity_of = "chain"
    reads_earlier = True
    not_with_held_rows = OTHER_TEXTS
    cost = (
        "two batches of `replayed` examples more in a step; the buffer, labels x vocabulary x 2 "
        "bytes an example"
    )

    alpha: Number = parameter(
        0.5, "weight of the squared error to the stored logits", "ours, not tuned", ge=0
    )
    beta: Number = parameter(
        0.5, "weight of the loss on replayed examples", "ours, not tuned", ge=0
    )
    capacity: Count = parameter(200, "examples that the buffer holds", "ours, not tuned")
    replayed: Count = parameter(
        16, "examples drawn from the buffer for each term of a step", "ours, not tuned"
    )


PARAMETERS = DerppParameters
