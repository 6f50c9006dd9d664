"""Hyper-parameters of one set of adapters (Houlsby et al. 2019)."""

from lethe.methods.parameters.base import Bottleneck


class AdapterParameters(Bottleneck):
    """The bottleneck alone."""


PARAMETERS = AdapterParameters
