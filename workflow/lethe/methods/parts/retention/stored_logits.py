"""A buffer of examples with the logits they had, and its tensors in a checkpoint."""

from dataclasses import dataclass

import torch

from lethe.data.batches import Batch
from lethe.errors import UserError

NAMES = {"origins", "lengths", "targets", "logits", "seen"}


@dataclass(frozen=True)
class Entry:
    """One example of the buffer.

    stage and index: the example's place, the first stage being 0. targets: [n] its labels, by which
    changed data or masks are noticed. logits: [n, vocabulary], float16.
    """

    stage: int
    index: int
    targets: torch.Tensor
    logits: torch.Tensor


def pack(entries: list[Entry], seen: int) -> dict[str, torch.Tensor]:
    """The tensors of a buffer and the number of examples that went by; none for an empty one."""
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
    """What `pack` was given.

    Raises:
        UserError: the tensors are not those of a buffer.
    """
    if state.keys() != NAMES:
        raise UserError("DER++: the saved state is not a buffer; train the chain with DER++.")
    lengths = state["lengths"].tolist()
    sizes = {len(state["targets"]), len(state["logits"]), sum(lengths)}
    if len(sizes) > 1 or state["logits"].dim() != 2 or len(state["origins"]) != len(lengths):
        raise UserError("DER++: the saved buffer's tensors do not fit together.")
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
        entries: by (source, id) of the example; a packed batch has an order of its own.
        width: size of the model's vocabulary.

    Raises:
        UserError: an example's labels are not those whose logits were stored, or the vocabulary.
    """
    owners, targets = batch.label_documents.cpu(), batch.targets.cpu().int()
    stored = torch.empty(len(targets), width)
    for number, name in enumerate(zip(batch.sources, batch.example_ids, strict=True)):
        entry, mine = entries[name], owners == number
        if not torch.equal(targets[mine], entry.targets.int()):
            raise UserError(
                f"DER++: the labels of example {name[1]!r} of {name[0]} are not those that were "
                "stored; the data, the recipe or the seed have changed since the parent."
            )
        if entry.logits.shape[1] != width:
            raise UserError(
                f"DER++: the stored logits are of {entry.logits.shape[1]} tokens and the model's "
                f"of {width}; give a chain of stages one model."
            )
        stored[mine] = entry.logits.float()
    return stored
