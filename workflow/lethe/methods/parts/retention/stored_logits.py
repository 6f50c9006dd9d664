"""A buffer of examples with their stored logits, and its tensors in a checkpoint."""

from dataclasses import dataclass

import torch

from lethe.data.batches import Batch
from lethe.errors import UserError

NAMES = {"origins", "lengths", "targets", "logits", "seen"}


@dataclass(frozen=True)
class Entry:
    """One example of the buffer.

    stage and index: the example's place, stages from 0. targets: [n] its labels, which reveal
    changed data or masks. logits: [n, vocabulary], float16.
    """

    stage: int
    index: int
    targets: torch.Tensor
    logits: torch.Tensor


def pack(entries: list[Entry], seen: int) -> dict[str, torch.Tensor]:
    """The tensors of a buffer and the number of examples seen; empty for an empty buffer."""
    if not entries:
        return {}
    return {
        "origins": torch.tensor([[entry.stage, entry.index] for entry in entries]),
        "lengths": torch.tensor([len(entry.targets) for entry in entries]),
        "targets": torch.cat([entry.targets for entry in entries]),
        "logits": torch.cat([entry.logits for entry in entries]),
        "seen": torch.tensor([seen]),
    }


def unpack(state: dict[str, torch.Tensor]) -> tuple[list[Entry], int]:
    """The inverse of `pack`.

    Raises:
        UserError: the tensors are not those of a buffer.
    """
    if state.keys() != NAMES:
        raise UserError(
            "DER++: the parent's state was not saved by DER++; train the whole chain of stages "
            "with this method."
        )
    lengths = state["lengths"].tolist()
    sizes = {len(state["targets"]), len(state["logits"]), sum(lengths)}
    if len(sizes) > 1 or state["logits"].dim() != 2 or len(state["origins"]) != len(lengths):
        raise UserError("DER++: the tensors of the parent's buffer do not fit together.")
    origins = state["origins"].tolist()
    targets, logits = state["targets"].split(lengths), state["logits"].split(lengths)
    entries = [
        Entry(stage, index, labels, scores)
        for (stage, index), labels, scores in zip(origins, targets, logits, strict=True)
    ]
    return entries, int(state["seen"])


def stored_for(batch: Batch, entries: dict[tuple[str, str], Entry], width: int) -> torch.Tensor:
    """Stored logits [N, width] in the order of a batch's labels.

    Args:
        entries: by (source, id) of the example; a packed batch has its own order.
        width: size of the model's vocabulary.

    Raises:
        UserError: an example's labels or the vocabulary differ from those of the stored logits.
    """
    owners, targets = batch.label_documents.cpu(), batch.targets.cpu().int()
    stored = torch.empty(len(targets), width)
    for number, name in enumerate(zip(batch.sources, batch.example_ids, strict=True)):
        entry, mine = entries[name], owners == number
        if not torch.equal(targets[mine], entry.targets.int()):
            raise UserError(
                f"DER++: the labels of example {name[1]!r} of {name[0]} differ from the stored "
                "ones; the data, the recipe or the seed have changed since the parent was trained."
            )
        if entry.logits.shape[1] != width:
            raise UserError(
                f"DER++: the stored logits have {entry.logits.shape[1]} tokens, the model's have "
                f"{width}; use one model in a chain of stages."
            )
        stored[mine] = entry.logits.float()
    return stored
