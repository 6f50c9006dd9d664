"""Hyper-parameters of DEMix (Gururangan et al. 2021)."""

from typing import Literal

from lethe.methods.parameters.base import Bottleneck
from lethe.parameters.entries import Count, parameter


class DemixParameters(Bottleneck):
    """One set of adapters per domain."""

    cost = (
        "a bottleneck at two places of every layer for each domain; gradients and moments for the "
        "newest alone"
    )

    samples: Count = parameter(
        256,
        "examples of the new domain whose perplexity selects the set of adapters that the new one "
        "starts from",
    )
    expert: Literal["last", "mean"] = parameter(
        "last",
        "set used in evaluations, which do not know the domain: the last, or the mean of all sets' "
        "parameters",
    )


PARAMETERS = DemixParameters
