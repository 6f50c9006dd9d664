"""Fine-tune a classifier on an end task and score its last epoch on the test split.

AdamW with a linearly falling rate and no warm-up, as Ke et al. 2023 (arXiv 2302.03241) fine-tune.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lethe.data.draws import step_indices
from lethe.endtasks.classifier import Classifier, load_encoder
from lethe.endtasks.f1 import METRICS
from lethe.endtasks.labelled import LabelledTask, Split
from lethe.errors import UserError
from lethe.models.loading import load_tokenizer
from lethe.models.window import window
from lethe.training.device import seed_draws, training_device
from lethe.training.optimizer import factor

EVALUATION_ROWS = 64


@dataclass(frozen=True)
class Settings:
    """How an end task is trained; `max_length` in tokens, special ones included."""

    epochs: int
    learning_rate: float
    batch_size: int
    max_length: int
    weight_decay: float


def fine_tune(directory: Path, task: LabelledTask, settings: Settings, seed: int) -> dict:
    """Scores of a copy of a checkpoint that is fine-tuned; the checkpoint is only read.

    The head's weights, the order of the examples and dropout are functions of `seed` alone.

    Returns:
        `seed`, `counts` of texts by split, `scores` by split and metric (fractions), and
        `predicted`, the class index of every test item.

    Raises:
        UserError: a checkpoint that is no encoder or too short for the texts, or a loss that is
            not finite.
    """
    tokenizer = load_tokenizer(directory)
    encoder, extra = load_encoder(directory)
    require_positions(encoder.config, settings.max_length, directory)
    device = training_device()
    model = Classifier(encoder, len(task.labels), seed, extra).to(device)
    rows = {
        split: tokenizer(list(texts.texts), truncation=True, max_length=settings.max_length)[
            "input_ids"
        ]
        for split, texts in task.splits.items()
    }
    _train(model, rows["train"], task.splits["train"], settings, seed, tokenizer.pad_token_id)
    scores, predicted = {}, []
    for split in sorted(task.splits.keys() - {"train"}):
        predicted = predict(model, rows[split], tokenizer.pad_token_id)
        truth = task.splits[split].classes
        scores[split] = {name: metric(truth, predicted) for name, metric in METRICS.items()}
    # "test" sorts last, so that the predictions kept are those of the test split.
    return {
        "seed": seed,
        "counts": {split: len(found) for split, found in rows.items()},
        "scores": scores,
        "predicted": predicted,
    }


def require_positions(config, max_length: int, directory: Path) -> None:
    """Raise UserError if the encoder has fewer positions than the longest text's tokens."""
    room = window(config)
    if room is not None and max_length > room:
        raise UserError(
            f"{directory}: the encoder takes at most {room} tokens, the end task's max_length is "
            f"{max_length}; lower it."
        )


def _train(
    model: Classifier,
    rows: list[list[int]],
    split: Split,
    settings: Settings,
    seed: int,
    pad_token: int,
) -> None:
    total = settings.epochs * len(rows)
    steps = math.ceil(total / settings.batch_size)
    optimizer = _optimizer(model, settings)
    classes = torch.tensor(split.classes)
    model.train()
    for step in range(steps):
        chosen = step_indices(len(rows), settings.batch_size, step, seed, total)
        rate = settings.learning_rate * factor(step, steps, "linear", 0, 0.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        seed_draws(dropout_seed(seed, step))
        logits = model(*_padded([rows[place] for place in chosen], pad_token, device_of(model)))
        loss = torch.nn.functional.cross_entropy(logits, classes[chosen].to(logits.device))
        if not math.isfinite(loss.item()):
            raise UserError(
                f"End task stopped at step {step} of seed {seed}: the loss is {loss.item()}; "
                "lower the end task's learning_rate."
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def dropout_seed(seed: int, step: int) -> int:
    """Seed of a step's dropout, so that it does not depend on what ran before."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint32)[0])


def device_of(model: torch.nn.Module) -> torch.device:
    """Where the model's weights lie."""
    return next(model.parameters()).device


def _optimizer(model: Classifier, settings: Settings) -> torch.optim.AdamW:
    """AdamW; matrices are decayed, vectors (biases, normalisation) are not."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


@torch.no_grad()
def predict(model: Classifier, rows: list[list[int]], pad_token: int) -> list[int]:
    """The class index of highest logit for every token row."""
    model.eval()
    # Rows of like length share a batch, so that little is padded.
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    found = [0] * len(rows)
    for start in range(0, len(order), EVALUATION_ROWS):
        part = order[start : start + EVALUATION_ROWS]
        logits = model(*_padded([rows[place] for place in part], pad_token, device_of(model)))
        for place, best in zip(part, logits.argmax(-1).tolist(), strict=True):
            found[place] = best
    return found


def _padded(
    rows: list[list[int]], pad_token: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and attention mask, both [R, L], padded to the longest row of the batch."""
    length = max(len(row) for row in rows)
    tokens = torch.full((len(rows), length), pad_token)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return tokens.to(device), mask.to(device)
