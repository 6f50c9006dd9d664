"""The inputs of importances and contrasts: random subsets, and parts of a batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from lethe.data.examples import Example
from lethe.data.masked_batches import MaskedBatch
from lethe.methods.contract import Stage

# Purposes of the random draws before and after a stage.
GENERAL, DOMAIN = 1, 2


def first_rows(batch: MaskedBatch, share: float) -> MaskedBatch:
    """The first rows of a batch for an encoder's pass: a share of them, at least two if possible.

    The labels still belong to the whole batch and must not be used.
    """
    count = min(len(batch.input_ids), max(2, round(share * len(batch.input_ids))))
    names = ("input_ids", "position_ids", "document_ids", "original_ids")
    return replace(batch, **{name: getattr(batch, name)[:count] for name in names})


def subset_batches(
    stage: Stage, purpose: int, subset: int, size: int, examples: Sequence[Example] | None = None
) -> Iterator[MaskedBatch]:
    """Batches of a random subset of examples, masked with their own draw.

    Args:
        purpose: GENERAL or DOMAIN; each has its own subset and masks.
        subset: size of the subset; all examples if there are fewer.
        size: examples per batch.
        examples: the examples to draw from; None: the stage's own.
    """
    examples = stage.examples if examples is None else examples
    order = np.random.default_rng([stage.seed, stage.index, purpose])
    chosen = order.permutation(len(examples))[:subset]
    for start in range(0, len(chosen), size):
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
