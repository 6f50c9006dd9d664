"""Hyper-parameters of DEMix (Gururangan et al. 2021)."""

from typing import Literal

from lethe.methods.parameters.base import Bottleneck
from lethe.parameters.entries import Count, parameter


class DemixParameters(Bottleneck):
    """Of one set of adapters a domain."""

    samples: Count = parameter(
        256,
        "examples of the new domain by whose perplexity the set of adapters is chosen that the "
        "new one begins as",
    )
    expert: Literal["last", "mean"] = parameter(
        "last",
        "set that evaluations use, which know no domain: the last, or the mean of all parameters",
    )


PARAMETERS = DemixParameters
