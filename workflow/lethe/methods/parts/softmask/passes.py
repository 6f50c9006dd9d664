"""The inputs of importances and contrasts: random subsets, and parts of a batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace

import numpy as np
import torch

from lethe.data.batches import Batch
from lethe.data.examples import Example
from lethe.data.masked_batches import MaskedBatch
from lethe.methods.contract import Stage

# Purposes of the random draws before and after a stage.
GENERAL, DOMAIN = 1, 2


def first_rows(batch: Batch, share: float) -> Batch:
    """The first rows of a batch, with their texts: a share of them, at least two if possible.

    Texts are numbered in the order of the rows. Weights no longer sum to one over a step. A masked
    language model's part is for encoding only: its labels and ids are still those of the whole.
    """
    rows = len(batch.input_ids)
    count = min(rows, max(2, round(share * rows)))
    if count == rows:
        return batch
    if isinstance(batch, MaskedBatch):
        # With fewer ids it would be encoded another way, and round otherwise than stages that are.
        names = ("input_ids", "position_ids", "document_ids", "original_ids")
        return replace(batch, **{name: getattr(batch, name)[:count] for name in names})
    kept = batch.label_positions < count * batch.input_ids.shape[1]
    texts = int(batch.document_ids[:count].max()) + 1

    def part(value):
        if isinstance(value, tuple):
            return value[:texts]
        return value[:count] if value.dim() == 2 else value[kept]

    return replace(batch, **{f.name: part(getattr(batch, f.name)) for f in fields(batch)})


def subset_batches(
    stage: Stage, purpose: int, subset: int, size: int, examples: Sequence[Example] | None = None
) -> Iterator[Batch]:
    """Batches of a random subset of examples, laid out as a stage's, masked with their own draw.

    Args:
        purpose: GENERAL or DOMAIN; each has its own subset and masks.
        subset: size of the subset; all examples if there are fewer.
        size: examples per batch.
        examples: the examples to draw from; None: the stage's own.
    """
    examples = stage.examples if examples is None else examples
    order = np.random.default_rng([stage.seed, stage.index, purpose])
    chosen = order.permutation(len(examples))[:subset]
    starts = range(0, len(chosen), size)
    for start in stage.counted(starts, len(starts), "batch for the importances"):
        members = chosen[start : start + size]
        laid_out = [examples[int(index)] for index in members]
        # The stage itself uses its steps as draws.
        yield from stage.collate(laid_out, stage.steps + purpose)


@contextmanager
def drawing(stage: Stage, purpose: int) -> Iterator[torch.Generator]:
    """Within, dropout is drawn from the stage's seed; the global state is restored afterwards."""
    drawn = int(np.random.default_rng([stage.seed, stage.index, purpose, 1]).integers(2**62))
    with torch.random.fork_rng():
        torch.manual_seed(drawn)
        yield torch.Generator().manual_seed(drawn)
