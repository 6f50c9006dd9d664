"""Hyper-parameters of self-generated replay (arXiv 2505.13811, 2605.26097)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from lethe.errors import UserError
from lethe.methods.parameters.base import OTHER_TEXTS, MethodParameters
from lethe.parameters.entries import Count, Number, Positive, parameter

Length = Annotated[int, Field(ge=2)]


class SelfReplayParameters(MethodParameters):
    """The texts that the base writes, and their loss."""

    cost = (
        "`samples` texts written once; `ratio` more examples in a step; with `loss: kl` the base "
        "in memory, and its forward pass over them"
    )
    families = frozenset({"causal", "seq2seq"})
    families_why = "a masked model gives whole texts no probability to draw them by"
    needs_base = True
    not_with_held_rows = OTHER_TEXTS
    since_its_base = True

    ratio: Positive = parameter(
        1.0, "texts for each of the stage's own examples in a step, on average", le=100
    )
    weight: Number = parameter(
        1.0, "what a text counts, against one of the stage's own examples; 0: none", ge=0
    )
    loss: Literal["ce", "kl"] = parameter(
        "ce",
        "loss on the texts: cross-entropy of their tokens, or KL(base, network) at their "
        "positions, for which the base stays in memory and reads them too",
        "arXiv 2505.13811 (ce), 2605.26097 (kl)",
    )
    samples: Count = parameter(512, "texts that the base writes, once, before the first stage")
    max_length: Length | None = parameter(
        None, "tokens of the longest text, its beginning included; null: the recipe's"
    )
    temperature: Positive = parameter(
        1.0, "of the distribution that tokens are drawn from", "arXiv 2505.13811"
    )

    def require_fit(self, where: str, recipe: dict[str, Any]) -> None:
        """Refuse texts that would be longer than the recipe's examples."""
        if self.max_length is not None and self.max_length > recipe["max_length"]:
            raise UserError(
                f"{where}.max_length: expected at most the recipe's `max_length`, "
                f"{recipe['max_length']}, found {self.max_length}; lower it, or raise the recipe's."
            )


PARAMETERS = SelfReplayParameters
