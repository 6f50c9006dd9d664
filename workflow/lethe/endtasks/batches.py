"""Labelled texts for the training loop: examples, padded micro-batches and their loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as functional

from lethe.data.batches import OnDevice


@dataclass(frozen=True)
class LabelledExample:
    """Tokens of a text and the index of its class."""

    id: str
    tokens: tuple[int, ...]
    label: int
    encoder_tokens: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True)
class LabelledBatch(OnDevice):
    """One micro-batch of R texts, padded to L tokens.

    input_ids, attention_mask: [R, L]; the mask is 1 on tokens and 0 on padding. targets: [R] class
    indices. share: this micro-batch's share of the step's texts, so that losses simply add.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    share: float


def labelled_examples(
    rows: Sequence[Sequence[int]], classes: Sequence[int]
) -> list[LabelledExample]:
    """Examples from token rows and the indices of their classes, numbered from 1."""
    return [
        LabelledExample(f"text {number}", tuple(tokens), label)
        for number, (tokens, label) in enumerate(zip(rows, classes, strict=True), start=1)
    ]


def collate(
    pad_token: int,
    examples: Sequence[LabelledExample],
    draw: int = 0,
    micro_batch_rows: int | None = None,
) -> list[LabelledBatch]:
    """The micro-batches of a step, in the order of its examples; `draw` has no effect."""
    size = micro_batch_rows or len(examples)
    batches = []
    for start in range(0, len(examples), size):
        part = examples[start : start + size]
        tokens, mask = padded([example.tokens for example in part], pad_token)
        labels = torch.tensor([example.label for example in part])
        batches.append(LabelledBatch(tokens, mask, labels, len(part) / len(examples)))
    return batches


def padded(rows: Sequence[Sequence[int]], pad_token: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and attention mask, both [R, L], padded to the longest row."""
    length = max(len(row) for row in rows)
    tokens = torch.full((len(rows), length), pad_token)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return tokens, mask


def classification_loss(model: torch.nn.Module, batch: LabelledBatch) -> torch.Tensor:
    """The micro-batch's share of the mean cross-entropy over the step's texts (scalar, nats)."""
    logits = model(batch.input_ids, batch.attention_mask).float()
    return batch.share * functional.cross_entropy(logits, batch.targets.to(logits.device))
