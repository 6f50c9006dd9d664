"""Two views of a text: passes that differ in their dropout (Ke et al. 2023, Eq. 4 and 7)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from lethe.data.batches import Batch
from lethe.data.masked_batches import MaskedBatch
from lethe.methods.parts.softmask.contrast import pooled
from lethe.methods.parts.softmask.gates import dropped
from lethe.models.forward import picked
from lethe.models.units import units_of

View = Callable[[], AbstractContextManager]
"""-> the context of one pass."""


def view_of(model, family: str, share: float) -> View:
    """The context of a pass that is to differ from the plain one.

    Most decoders have no dropout, so that their passes would be equal: there a share of the outputs
    at the gates is dropped, if the network is in training mode. Masked language models, and all
    others with dropout of their own, keep to that.

    Args:
        share: of the outputs that are dropped; 0: none.
    """
    if family == "masked" or share == 0 or has_dropout(model):
        return nullcontext
    units = units_of(model)
    return lambda: dropped(units, share) if model.training else nullcontext()


def has_dropout(model) -> bool:
    """Whether two passes of a model in training mode differ."""
    return any(
        (isinstance(module, nn.Dropout) and module.p > 0)
        or any("dropout" in name and _is_rate(value) for name, value in vars(module).items())
        for module in model.modules()
    )


def _is_rate(value) -> bool:
    """Whether a module's attribute is a share to drop, as those that call functions keep it."""
    return isinstance(value, float) and value > 0


def pooled_texts(states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean [B, width] over each text's positions, of states [R, L, width].

    Of a masked language model all positions of a text; of the others those that predict a label, so
    that a prompt, which a text shares with many, does not make all texts alike.
    """
    if isinstance(batch, MaskedBatch):
        return pooled(states, batch.document_ids >= 0)
    found = picked(states, batch).float()
    owners = batch.label_documents.to(found.device)
    counts = torch.bincount(owners, minlength=len(batch.example_ids))
    sums = found.new_zeros(len(counts), found.shape[-1]).index_add(0, owners, found)
    return sums / counts.clamp_min(1).unsqueeze(-1)
