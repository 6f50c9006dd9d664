"""Fine-tune a classifier on an end task and score its last epoch on the test split."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lethe.endtasks.batches import (
    LabelledExample,
    classification_loss,
    collate,
    labelled_examples,
    padded,
)
from lethe.endtasks.classifier import load_classifier
from lethe.endtasks.labelled import LabelledTask
from lethe.endtasks.scoring import Answers, scored
from lethe.endtasks.tokens import split_rows
from lethe.errors import UserError
from lethe.jobs.out_of_memory import ran_out
from lethe.methods.contract import Method, Stage
from lethe.models.tokenizer import load_tokenizer
from lethe.models.window import window
from lethe.training.device import training_device
from lethe.training.layout import Layout
from lethe.training.loop import total_steps, train
from lethe.training.progress import Progress
from lethe.training.snapshots import Snapshots

EVALUATION_ROWS = 64
# As in Ke et al. 2023 (arXiv 2302.03241): the rate falls linearly, without a warm-up.
HOW = {
    "steps": None,
    "schedule": "linear",
    "warmup_share": 0.0,
    "final_share": 0.0,
    "betas": (0.9, 0.999),
    "epsilon": 1e-8,
    "clip_norm": None,
    # Rounds as AdamW does by default, so that a plain loop gives the same weights bit for bit.
    "fused": False,
    "checkpoint": "last",
}


@dataclass(frozen=True)
class Settings:
    """How an end task is trained; `max_length` in tokens, special ones included.

    `dtype` is the arithmetic of training; weights and predictions are always float32. `reads` is
    `first` or `slot` (`lethe.endtasks.slot`).
    """

    epochs: int
    learning_rate: float
    batch_size: int
    max_length: int
    weight_decay: float
    dtype: str = "float32"
    reads: str = "first"


def fine_tune(
    directory: Path,
    task: LabelledTask,
    settings: Settings,
    seed: int,
    snapshots: Snapshots | None = None,
) -> dict:
    """Fine-tune a copy of a checkpoint and score it; the checkpoint itself is only read.

    Returns:
        As `scored`.

    Raises:
        UserError: as `answers`.
    """
    return scored([task], [answers(directory, task, settings, seed, snapshots)], seed)


def answers(
    directory: Path,
    task: LabelledTask,
    settings: Settings,
    seed: int,
    snapshots: Snapshots | None = None,
) -> Answers:
    """What a fine-tuned copy of a checkpoint says of all texts but those of the training split.

    The head's weights, the order of the examples and dropout are functions of `seed` alone.

    Raises:
        UserError: the checkpoint is neither an encoder nor a decoder, or has too few positions; a
            text without its slot; or `train` raised it.
    """
    tokenizer = load_tokenizer(directory)
    slot = tokenizer.mask_token_id if settings.reads == "slot" else None
    model, family = load_classifier(directory, len(task.labels), seed, slot)
    require_positions(model.config, settings.max_length, directory)
    rows = {
        split: split_rows(tokenizer, texts, settings.max_length, family, settings.reads)
        for split, texts in task.splits.items()
    }
    model = model.to(training_device())
    examples = labelled_examples(rows["train"], task.splits["train"].classes)
    progress = _train(model, family, examples, settings, seed, tokenizer.pad_token_id, snapshots)
    predicted = {
        split: predict(model, rows[split], tokenizer.pad_token_id)
        for split in sorted(task.splits.keys() - {"train"})
    }
    return Answers(predicted, progress.halvings)


def require_positions(config, max_length: int, directory: Path) -> None:
    """Raise UserError if the model has fewer positions than the longest text has tokens."""
    room = window(config)
    if room is not None and max_length > room:
        raise UserError(
            f"{directory}: the model takes at most {room} tokens, but the end task's "
            f"`max_length` is {max_length}; lower it."
        )


def _train(
    model: torch.nn.Module,
    family: str,
    examples: list[LabelledExample],
    settings: Settings,
    seed: int,
    pad_token: int,
    snapshots: Snapshots | None,
) -> Progress:
    recipe = {**HOW, **vars(settings)}
    stage = Stage(
        model=model,
        examples=examples,
        load_replayed=list,
        load_parent=lambda: None,
        collate=Layout(partial(collate, pad_token), None),
        plain_loss=classification_loss,
        index=0,
        seed=seed,
        steps=total_steps(len(examples), recipe),
        family=family,
        dropout_seed=dropout_seed,
        settings="the end task's",
    )
    return train(stage, Method(), recipe, snapshots)


def dropout_seed(seed: int, step: int, micro_batch: int) -> int:
    """Seed of a micro-batch's dropout; for micro-batch 0 it is SeedSequence([seed, step])'s."""
    return int(np.random.SeedSequence([seed, step, micro_batch]).generate_state(1, np.uint32)[0])


def predict(model: torch.nn.Module, rows: list[list[int]], pad_token: int) -> list[int]:
    """The class with the highest logit for every token row, in smaller batches if memory runs out.

    Raises:
        UserError: memory does not suffice for a single text.
    """
    model.eval()
    # Rows of similar length share a batch, so there is little padding.
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    classes, start, at_once = [0] * len(rows), 0, EVALUATION_ROWS
    while start < len(order):
        part = order[start : start + at_once]
        try:
            best = _best_classes(model, *padded([rows[place] for place in part], pad_token))
        except RuntimeError as error:
            if not ran_out(error):
                raise
            if len(part) < 2:
                raise UserError(
                    "Memory ran out when predicting the class of a single text; lower the end "
                    "task's `max_length`, or use a larger GPU."
                ) from None
            at_once = len(part) // 2
            continue
        for place, label in zip(part, best, strict=True):
            classes[place] = label
        start += len(part)
    return classes


@torch.no_grad()
def _best_classes(model: torch.nn.Module, tokens: torch.Tensor, mask: torch.Tensor) -> list[int]:
    device = next(model.parameters()).device
    return model(tokens.to(device), mask.to(device)).argmax(-1).tolist()
