"""What the methods' hyper-parameters share: demands, groups of parameters, and their look-up."""

import importlib
from typing import Any, ClassVar, Literal

from lethe.errors import UserError
from lethe.parameters.entries import Count, Number, Parameters, Positive, parameter
from lethe.parameters.sentences import validated

MASKED = frozenset({"masked"})
OWN_ADAPTERS = "it freezes the model and trains adapters of its own"
OWN_GATES = "its gates protect the model's own weights, and decide which of them are trained"
WITHOUT_ROWS = "it trains no embedding of a token, so there is no row to hold"
OTHER_TEXTS = "it trains on other texts than the stage's own too, whose rows would be held"
NOT_OF_THE_BASE = "the base has none of the parameters that are trained then"
CODE_OF_KE = "released code of Ke et al. 2023"
CODE_OF_SERRA = "released code of Serra et al. 2018, and of Ke et al. 2023"


class MethodParameters(Parameters):
    """Hyper-parameters of one method, and what it demands of a stage."""

    families: ClassVar[frozenset[str]] = frozenset({"causal", "seq2seq", "masked"})
    """Families of models that the method trains."""

    families_with: ClassVar[dict[tuple[str, Any], frozenset[str]]] = {}
    """Families that it trains for one value of a parameter: (name, value) -> families."""

    general_with: ClassVar[tuple[tuple[str, Any], ...]] = ()
    """Values of parameters, (name, value), for which it reads its entry's `general` texts."""

    one_text_a_row: ClassVar[bool] = False
    """True if every text needs its own row: for a mean over it, or a prompt before it."""

    needs_base: ClassVar[bool] = False
    """True if a stage reads the network that its chain began with (`Stage.load_base`)."""

    since_its_base: ClassVar[bool] = False
    """True if it acts otherwise in a chain's first stage, or reads earlier stages' examples. The
    training of a base that was itself trained further (`train_on`) is no stage then."""

    capacity_of: ClassVar[Literal["", "stage", "chain"]] = ""
    """What its `capacity` counts examples of: every earlier stage, or all of them together."""

    families_why: ClassVar[str] = ""
    """Why it does not train the other families, as a clause."""
    base_with: ClassVar[tuple[tuple[str, Any], ...]] = ()
    """Values of parameters, (name, value), for which it reads that network."""

    of_type: ClassVar[Literal["", "units", "encoder"]] = ""
    """The fact of `models/kinds.py` that must be known of the model's type; empty: none."""

    not_with: ClassVar[dict[str, str]] = {}
    """Kinds of parametrisation that the method does not go with, and why: as in "a fresh adapter
    holds nothing of earlier tasks". A way to go on with LoRA alone is `lora:CHAIN`; frozen
    embeddings that are the output layer too are `frozen:tied`."""

    not_with_values: ClassVar[dict[tuple[str, Any], dict[str, str]]] = {}
    """The same for one value of a parameter: (name, value) -> kinds, and why."""

    not_with_held_rows: ClassVar[str] = ""
    """Why the recipe's `unused_rows: held` does not go with the method; empty: it does."""

    only_with: ClassVar[tuple[str, ...]] = ()
    """Kinds of parametrisation that the method is made for; none: those not in `not_with`."""

    def require_fit(self, where: str, recipe: dict[str, Any]) -> None:
        """Refuse values that do not fit a recipe's; `where` names the method's.

        Raises:
            UserError: they do not fit.
        """

    def require_sides(self, where: str, smallest: int) -> None:
        """Refuse values that do not fit a base's linear layers; `where` names the method's.

        smallest: the smallest side of their weights.

        Raises:
            UserError: they do not fit.
        """

    reads_earlier: ClassVar[bool] = False
    """True if a stage reads examples of earlier ones, which must still be at hand."""

    copies: ClassVar[int] = 0
    """How many float32 copies of what is trained a stage holds at its most, for requests."""

    networks: ClassVar[int] = 0
    """How many further whole networks it holds, for requests; the base that it reads counts."""

    cost: ClassVar[str] = ""
    """What it costs beside plain training, in memory and in passes; empty: nothing."""

    def refused(self) -> dict[str, str]:
        """Kinds of parametrisation that these values do not go with, and why."""
        found = dict(self.not_with)
        for (key, value), kinds in self.not_with_values.items():
            found |= kinds if getattr(self, key) == value else {}
        return found

    def reads_base(self) -> bool:
        """Whether a stage with these values reads the network that its chain began with."""
        return self.needs_base or any(getattr(self, key) == value for key, value in self.base_with)

    def copies_held(self) -> int:
        """Float32 copies of what is trained that a stage with these values holds at its most."""
        return self.copies

    def networks_held(self) -> int:
        """Whole networks that a stage with these values holds besides the one that it trains."""
        return max(self.networks, int(self.reads_base()))

    def examples_held(self, rows: float) -> float:
        """Examples whose activations a stage holds at its most, with micro-batches of `rows`."""
        return rows

    @classmethod
    def values(cls, hyper: dict[str, Any], where: str) -> dict[str, Any]:
        """Every value by name, with defaults for those missing in `hyper`.

        Raises:
            UserError: an unknown name, a wrong type, or a value out of bounds; it names `where`.
        """
        return validated(cls, hyper, where).model_dump(mode="json")


class Bottleneck(MethodParameters):
    """Parameters of methods with adapters on an encoder."""

    families = MASKED
    of_type = "encoder"
    not_with = dict.fromkeys(("lora", "frozen", "adapters"), OWN_ADAPTERS)
    not_with_held_rows = WITHOUT_ROWS
    cost = "a bottleneck at two places of every layer; gradients and moments for it alone"

    reduction: Count = parameter(
        16, "width of the model / width of the bottleneck, which has at least 4 units", CODE_OF_KE
    )


class MergedFromBase(MethodParameters):
    """Parameters of methods that train every stage from the base and merge the changes."""

    needs_base = True
    copies = 1
    not_with = dict.fromkeys(
        ("lora", "adapters"),
        "a task vector is a change of the base's own weights, which an adapter leaves as they are",
    )


class HardAttention(MethodParameters):
    """Parameters of methods with gates on an encoder's units (Serra et al. 2018)."""

    families = MASKED
    of_type = "encoder"
    not_with = dict.fromkeys(("lora", "frozen", "adapters"), OWN_GATES)
    cost = "gates of every stage, and gradients that are scaled by those of earlier ones"

    largest: Positive = parameter(
        400.0, "smax, the slope of the gates at the end of a stage", CODE_OF_SERRA
    )
    sparsity: Number = parameter(
        0.75, "lambda, weight of the penalty on units not used before", CODE_OF_SERRA, ge=0
    )
    hard: bool = parameter(
        True,
        "gates become 0 or 1 at the end of a stage. Serra et al. keep sigmoid(smax e), which "
        "protects units under SGD; Adam's update hardly depends on a constant factor of the "
        "gradient, so with Adam only a factor of exactly 0 protects",
    )
    cosh_limit: Positive = parameter(50.0, "largest size of s e inside cosh", CODE_OF_SERRA)
    embedding_limit: Positive = parameter(
        6.0, "largest size of e; clamped after every update", CODE_OF_SERRA
    )


class GatedAdapters(HardAttention, Bottleneck):
    """Parameters of methods with gated adapters."""

    not_with = Bottleneck.not_with
    not_with_held_rows = Bottleneck.not_with_held_rows
    cost = "a gated bottleneck at two places of every layer; gradients and moments for it alone"


def parameters_of(method: str) -> type[MethodParameters]:
    """The hyper-parameters of a method, by the name of its file.

    Raises:
        UserError: the method has no file of hyper-parameters.
    """
    module = f"{__package__}.{method}"
    try:
        return importlib.import_module(module).PARAMETERS
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != module:
            raise
        raise UserError(
            f"workflow/lethe/methods/{method}.py: expected its hyper-parameters as `PARAMETERS` in "
            f"workflow/lethe/methods/parameters/{method}.py, found none; write that file (docs/"
            "adding.md, 'Add a method')."
        ) from None
