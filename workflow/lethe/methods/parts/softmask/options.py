"""Hyper-parameters of DAS, with the paper's values; other values are the ablations."""

from dataclasses import dataclass

from lethe.errors import UserError
from lethe.methods.parts.softmask.contrast import PAIRINGS
from lethe.methods.parts.softmask.importance import KL_AXES, NORMALISATIONS
from lethe.methods.parts.softmask.masking import HEAD_AXES

CHOICES = {
    "initialise": ("proxy", "general", "domain", "none", "random"),
    "mask": ("gradient", "update"),
    "kl_axis": KL_AXES,
    "normalisation": NORMALISATIONS,
    "pairing": PAIRINGS,
    "head_axis": HEAD_AXES,
    "importance_input": ("masked", "original"),
    "contrast_input": ("masked", "original"),
    "previous": ("attached", "detached"),
}

RELEASED = {
    "contrast_input": "original",
    "pairing": "released",
    "head_axis": "released",
    "kl_axis": "position",
    "proxy_dropout": False,
    "importance_dropout": True,
    "signed": True,
    "importance_input": "original",
}
"""The switches that together come nearest to what the authors' code does.

Not imitated: gate gradients that are never set back to zero, so that early batches weigh more; the
importance gradients left over in the first optimizer step; the subset being the first examples.
"""


@dataclass(frozen=True)
class Options:
    """What DAS can be told.

    contrast_weight: lambda of Eq. 8; with 0 the contrast is not computed.
    temperature: tau of Eq. 7.
    contrast_share: share of the rows of a micro-batch that are contrasted (at least two); 0.25
        is a cheap form.
    contrast_input: tokens of the contrast's passes; `masked` shares a pass with the loss.
    previous: whether gradients flow through o_prev.
    pairing: see `contrast.pairs`.
    soft_mask: whether Eq. 6 is applied at all.
    mask: what is scaled, the gradient (Eq. 6) or the optimizer's update.
    head_axis: see `masking.factors`.
    initialise: I^(0) of the KL proxy (Eq. 4); of Eq. 9 on the method's `general` texts, or on the
        first domain's own; no I^(0), or one that knows nothing.
    subset: examples of a stage that importances are computed on, at random.
    importance_batch: examples laid out at a time for that.
    kl_axis: see `importance.proxy_loss`.
    proxy_dropout, importance_dropout: dropout while importances are computed; Eq. 4 needs it.
    signed: gradients are averaged with their sign.
    normalisation: see `importance.normalised`.
    importance_input: tokens that Eq. 9 feeds, wherever it is used.
    """

    contrast_weight: float = 1.0
    temperature: float = 0.05
    contrast_share: float = 1.0
    contrast_input: str = "masked"
    previous: str = "attached"
    pairing: str = "same"
    soft_mask: bool = True
    mask: str = "gradient"
    head_axis: str = "rows"
    initialise: str = "proxy"
    subset: int = 10_000
    importance_batch: int = 32
    kl_axis: str = "hidden"
    proxy_dropout: bool = True
    importance_dropout: bool = False
    signed: bool = False
    normalisation: str = "absolute"
    importance_input: str = "masked"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(
                    f"The hyper-parameter {name} of das is {getattr(self, name)!r}; it can be "
                    f"{', '.join(choices)}."
                )
        _require("temperature", self.temperature, self.temperature > 0, "above 0")
        _require("contrast_weight", self.contrast_weight, self.contrast_weight >= 0, "at least 0")
        share = self.contrast_share
        _require("contrast_share", share, 0 < share <= 1, "above 0 and at most 1")
        _require("subset", self.subset, self.subset >= 1, "at least 1")
        size = self.importance_batch
        _require("importance_batch", size, size >= 1, "at least 1")


def _require(name: str, value: float, holds: bool, what: str) -> None:
    if not holds:
        raise UserError(f"The hyper-parameter {name} of das is {value}; it has to be {what}.")
