"""Lay a stage's examples out as micro-batches, and prepare the next step while this one runs."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from lethe.data import batches, masked_batches, seq2seq_batches
from lethe.data.batches import Batch
from lethe.data.examples import Example
from lethe.data.masked_batches import Masking
from lethe.models.kinds import kind_of
from lethe.training.device import training_device

LOG = logging.getLogger(__name__)


class Layout:
    """Lays a step's examples out on the device; `draw` selects a masked language model's masks.

    Attributes:
        rows: largest number of rows in a micro-batch; None: all.
    """

    def __init__(self, lay_out: Callable[..., list[Batch]], rows: int | None):
        self.lay_out, self.rows = lay_out, rows
        self.device = training_device()

    def __call__(self, examples: list[Example], draw: int = 0) -> list[Batch]:
        laid_out = self.lay_out(examples, draw, micro_batch_rows=self.rows)
        return [batch.to(self.device) for batch in laid_out]


def make_collate(recipe: dict, tokenizer, family: str, config, seed: int = 0) -> Layout:
    """The layout that a recipe asks for.

    Args:
        seed: a masked language model's masks are drawn from this seed and the draw.
        config: the model's configuration; it decides whether packed examples can be kept apart, and
            which token an encoder-decoder's decoder begins with.
    """
    settings = {
        "normalisation": recipe["loss_normalisation"],
        "pad_token": tokenizer.pad_token_id,
    }
    if family == "masked":
        settings |= {"masking": Masking.of(tokenizer, recipe["mask_share"]), "seed": seed}
        settings["width"] = recipe["max_length"] if recipe.get("unpadded") else None
        return Layout(partial(_masked, settings), recipe["micro_batch_rows"])
    settings["packed"] = recipe["packed"]
    if recipe["packed"] and kind_of(config.model_type).packing is None:
        LOG.warning(
            "Models of type %r are not known to keep packed examples apart; every example gets its "
            "own row, with the same loss.",
            config.model_type,
        )
        settings["packed"] = False
    if family == "seq2seq":
        settings["start_token"] = config.decoder_start_token_id
    else:
        settings["width"] = recipe["max_length"]
    collate = {"causal": batches.collate, "seq2seq": seq2seq_batches.collate}[family]
    return Layout(partial(_drawn_once, collate, settings), recipe["micro_batch_rows"])


def _masked(settings: dict, examples, draw: int, **more) -> list[Batch]:
    return masked_batches.collate(examples, draw=draw, **settings, **more)


def _drawn_once(collate, settings: dict, examples, draw: int, **more) -> list[Batch]:
    return collate(examples, **settings, **more)


class Ahead:
    """Values of a function of the step; a thread computes the next one ahead of the caller.

    Args:
        make: a function of the step alone, so that it does not matter when it is called.
        last: the first step that will not be requested.
        beside: whether to use a thread at all; it pays if the caller waits for a GPU.
    """

    def __init__(self, make: Callable[[int], Any], last: int, beside: bool):
        self.make, self.last, self.beside = make, last, beside
        self.pool = ThreadPoolExecutor(1)
        self.next: tuple[int, Future] | None = None

    def __call__(self, step: int) -> Any:
        ready = self.next is not None and self.next[0] == step
        value = self.next[1].result() if ready else self.make(step)
        self.next = None
        if self.beside and step + 1 < self.last:
            self.next = (step + 1, self.pool.submit(self.make, step + 1))
        return value

    def forget(self) -> None:
        """Discard the value computed ahead, which is out of date."""
        if self.next is not None:
            self.next[1].cancel()
            wait([self.next[1]])
        self.next = None

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
