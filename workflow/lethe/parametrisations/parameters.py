"""Typed settings of every kind of parametrisation. Imports nothing heavy.

A method's `not_with` and `only_with` name kinds, ways to go on with LoRA after a stage as
`lora:CHAIN`; `lora:dora`; and `frozen:tied`, which depends on the model too.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lethe.parameters.entries import Count, Entry, Parameters, Positive, Share, parameter
from lethe.parameters.sentences import validated
from lethe.parametrisations.constants import USUAL_REDUCTION

TIED = "frozen:tied"
"""The word for frozen embeddings where the output layer is them."""
LORA = "Hu et al. 2021, LoRA"


class ParametrisationParameters(Parameters):
    """Settings of one kind."""

    kind: ClassVar[str] = "full"

    def words(self, tied: bool = False) -> list[str]:
        """The words by which a method may refuse or demand it.

        Args:
            tied: the model's output layer is its embeddings and nothing else.
        """
        return [self.kind]


class Full(ParametrisationParameters):
    """All of a model's weights are trained."""

    title = "full"


class Lora(ParametrisationParameters):
    """Products of two narrow matrices, added to frozen ones: W + s B A (Hu et al. 2021, Eq. 3)."""

    title = "lora"
    kind = "lora"

    rank: Count = parameter(8, "r, rows of A and columns of B", LORA)
    alpha: Positive = parameter(
        16.0, "s = alpha / r, or alpha / sqrt(r) with `rslora`", "usual: twice the rank"
    )
    dropout: Share = parameter(
        0.0,
        "dropout of the inputs of A, below 1, where nothing would be learned",
        "usual in PEFT",
        lt=1,
    )
    targets: Literal["all-linear"] | list[str] = parameter(
        "all-linear",
        "the modules that it is on: all linear ones but the output layer, or names, each whole or "
        "an end as `q_proj`",
        "Dettmers et al. 2023, QLoRA, section 4",
        min_length=1,
    )
    rslora: bool = parameter(False, "s = alpha / sqrt(r)", "Kalajdzievski 2023, rsLoRA")
    dora: bool = parameter(
        False,
        "the lengths of the rows of W, one for each output, are trained besides",
        "Liu et al. 2024, DoRA",
    )
    chain: Literal["same", "fresh", "one-a-task"] = parameter(
        "same",
        "what the next stage trains: the same adapter, a fresh one on weights into which all "
        "earlier ones are merged, or one a task, beside the earlier ones, which stay on, frozen",
    )

    @model_validator(mode="after")
    def _has_an_order(self) -> "Lora":
        if self.dora and self.chain == "one-a-task":
            # Lengths are of the rows of W + s B A: with two adapters on W, each has its own, and
            # their sum is no product of lengths and directions that could be merged.
            raise ValueError(
                "`chain: same` or `fresh` with `dora`, whose lengths are of one adapter"
            )
        return self

    def words(self, tied: bool = False) -> list[str]:
        dora = [f"{self.kind}:dora"] if self.dora else []
        return [self.kind, *dora, f"{self.kind}:{self.chain}"]


class Frozen(ParametrisationParameters):
    """Parts of a model stay as they are; all else is trained."""

    title = "frozen"
    kind = "frozen"

    embeddings: bool = parameter(
        True, "the word embeddings, and with them an output layer that is tied to them"
    )
    layers: int = parameter(
        0, "layers from the bottom; of encoder and decoder each in an encoder-decoder", ge=0
    )

    @model_validator(mode="after")
    def _freezes_something(self) -> "Frozen":
        if not self.embeddings and not self.layers:
            raise ValueError("`embeddings: true` or `layers` above 0: nothing would be frozen")
        return self

    def words(self, tied: bool = False) -> list[str]:
        return [self.kind, *([TIED] if tied and self.embeddings else [])]


class Adapters(ParametrisationParameters):
    """Bottlenecks after attention and feed-forward, on a frozen model (Houlsby et al. 2019)."""

    title = "adapters"
    kind = "adapters"

    bottleneck: Count | None = parameter(
        None, "units between an adapter's two maps; null: by `reduction`"
    )
    reduction: Count = parameter(
        USUAL_REDUCTION,
        "width of the model / width of the bottleneck, which has at least 4 units",
        "released code of Ke et al. 2023",
    )


KINDS: dict[str, type[ParametrisationParameters]] = {
    entry.kind: entry for entry in (Full, Lora, Frozen, Adapters)
}
Kind = Literal["full", "lora", "frozen", "adapters"]
FULL = {"kind": "full"}
"""What a stage's spec leaves out."""


class ParametrisationEntry(Entry):
    """A kind of parametrisation with its settings."""

    kind: Kind = Field(description="which parameters there are, and which are trained")
    settings: dict[str, Any] = Field(
        {}, description="settings of this kind; those left out have their defaults"
    )
    note: str = Field("", description="the paper's section, or trials and seeds of the tuning")


def settings_of(where: str, entry: ParametrisationEntry) -> ParametrisationParameters:
    """The typed settings of an entry.

    Raises:
        UserError: an unknown setting, a wrong type, or a value out of bounds.
    """
    return validated(KINDS[entry.kind], entry.settings, f"{where}.settings")
