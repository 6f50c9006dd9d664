"""Hyper-parameters of OSF as PEFT has it."""

from lethe.errors import UserError
from lethe.methods.parameters.base import WITHOUT_ROWS, MethodParameters
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


def require_kept(where: str, share: float, smallest: int) -> None:
    """Refuse a share that keeps nothing of a linear layer, which PEFT rounds down to.

    Raises:
        UserError: it keeps less than a direction where the smallest side of a layer is this.
    """
    if int(share * smallest) == 0:
        raise UserError(
            f"{where}: expected a `share` that keeps a direction of every linear layer, whose "
            f"smallest side has {smallest}, found {share}; raise it."
        )


PARAMETERS = OsfPeftParameters
