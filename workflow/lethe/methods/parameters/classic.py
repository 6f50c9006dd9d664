"""Hyper-parameters of CLASSIC (Ke, Liu, Xu, Shu 2021)."""

from lethe.methods.parameters.base import CODE_OF_KE, GatedAdapters
from lethe.parameters.entries import Number, Positive, parameter


class ClassicParameters(GatedAdapters):
    """Gated adapters and the contrast with earlier domains."""

    cost = "gated bottlenecks; a pass over every batch under the gates of each earlier stage"

    one_text_a_row = True

    weight: Number = parameter(1.0, "weight of the contrast with earlier domains; 0: none", ge=0)
    temperature: Positive = parameter(1.0, "temperature of the contrast", CODE_OF_KE)


PARAMETERS = ClassicParameters
