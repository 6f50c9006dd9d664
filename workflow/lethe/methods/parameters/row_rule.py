"""Parameters of the row rule."""

from typing import ClassVar, Literal

from lethe.methods.parameters.base import WITHOUT_ROWS, MethodParameters
from lethe.parameters.entries import parameter


class RowRuleParameters(MethodParameters):
    """What of the rows of tokens without data is held."""

    not_with: ClassVar[dict[str, str]] = {
        "lora": WITHOUT_ROWS,
        "adapters": WITHOUT_ROWS,
        "frozen:tied": "with frozen embeddings to which the output layer is tied no row is trained "
        "that it could hold",
    }

    not_with_held_rows = "it holds them itself"

    what: Literal["gradients", "updates"] = parameter(
        "gradients",
        "what is zero for the embedding and output rows of tokens that the stage's data do not "
        "hold: their `gradients` (weight decay still moves them), or their `updates`",
    )


PARAMETERS = RowRuleParameters
