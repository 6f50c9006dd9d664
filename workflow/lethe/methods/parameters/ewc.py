"""Hyper-parameters of EWC (Kirkpatrick et al. 2017)."""

from lethe.methods.parameters.base import CODE_OF_KE, MethodParameters
from lethe.parameters.entries import Count, Number, parameter


class EwcParameters(MethodParameters):
    """The quadratic penalty (Eq. 3)."""

    copies = 2
    cost = "two float32 copies of what is trained; a backward pass an example for `samples` of them"
    since_its_base = True
    not_with = dict.fromkeys(
        ("lora:fresh", "lora:one-a-task"),
        "a fresh adapter has none of the weights that mattered to earlier stages",
    )

    strength: Number = parameter(
        5000.0, "lambda of Eq. 3, weight of the penalty; 0: none", CODE_OF_KE, ge=0
    )
    samples: Count | None = parameter(
        1000, "examples of a stage used for its Fisher information; null: all"
    )


PARAMETERS = EwcParameters
