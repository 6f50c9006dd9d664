"""Hyper-parameters of B-CL (Ke, Xu, Liu 2021)."""

from lethe.methods.parameters.base import CODE_OF_KE, GatedAdapters
from lethe.parameters.entries import Count, parameter


class BclParameters(GatedAdapters):
    """Gated adapters and their capsules."""

    cost = "gated bottlenecks with capsules of all domains, which are routed in every pass"

    capsule_size: Count = parameter(3, "numbers in a capsule", CODE_OF_KE)
    transfer_capsules: Count = parameter(
        3, "capsules trained by all domains, besides one semantic capsule per domain"
    )
    iterations: Count = parameter(3, "iterations of the routing", CODE_OF_KE)


PARAMETERS = BclParameters
