"""Hyper-parameters of HAT-Adapter (Ke et al. 2023)."""

from lethe.methods.parameters.base import GatedAdapters


class HatAdapterParameters(GatedAdapters):
    """Gated adapters alone."""


PARAMETERS = HatAdapterParameters
