"""Hyper-parameters of OSF as PEFT has it."""

from lethe.methods.parameters.base import WITHOUT_ROWS, MethodParameters
from lethe.methods.parts.subspace.kept_share import require_kept
from lethe.parameters.entries import Number, parameter


class OsfPeftParameters(MethodParameters):
    """How many directions are kept."""

    not_with = dict.fromkeys(
        ("lora", "frozen", "adapters"),
        "it freezes the model and trains factors of its matrices",
    )
    not_with_held_rows = WITHOUT_ROWS

    share: Number = parameter(
        0.5, "share of each matrix's directions that is kept", "PEFT's OSF", gt=0, lt=1
    )

    def require_sides(self, where: str, smallest: int) -> None:
        require_kept(f"{where}.share", self.share, smallest)


PARAMETERS = OsfPeftParameters
