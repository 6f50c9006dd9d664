"""Batches: which examples make a step, how they lie in rows, and what a batch carries."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch

from lethe.data.examples import Example


class OnDevice:
    """A dataclass of tensors, `input_ids` among them, that goes to a device as a whole."""

    def to(self, device: torch.device) -> Self:
        """The batch with its tensors on a device; itself if they are there already."""
        if self.input_ids.device.type == device.type:
            return self
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        tensors = {k: v for k, v in tensors.items() if isinstance(v, torch.Tensor)}
        if device.type == "cuda":
            # With pinned memory the CPU need not wait for the copy.
            tensors = {k: v.pin_memory() for k, v in tensors.items()}
        tensors = {k: v.to(device, non_blocking=True) for k, v in tensors.items()}
        return replace(self, **tensors)


@dataclass(frozen=True)
class Batch(OnDevice):
    """One micro-batch: R rows of L tokens, N of which are predicted.

    input_ids, position_ids, document_ids: [R, L]. Positions restart at 0 with every example, which
    is how attention keeps packed examples apart. document_ids holds the example's index within
    the batch, -1 on padding. label_positions: [N] flat indices into R*L of the states that predict;
    targets: [N] the tokens they predict; label_documents: [N] the example each belongs to;
    weights: [N], summing to one over the global batch, so that micro-batch losses simply add.
    example_ids and sources: one entry an example.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    document_ids: torch.Tensor
    label_positions: torch.Tensor
    targets: torch.Tensor
    label_documents: torch.Tensor
    weights: torch.Tensor
    example_ids: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """Tokens of examples, padding not counted."""
        return int((self.document_ids >= 0).sum())

    @property
    def encoder_tokens(self) -> int:
        """How many of the tokens go through an encoder of their own."""
        return 0


def rows_of(lengths: Sequence[int], width: int, packed: bool) -> list[list[int]]:
    """Place examples in rows: first fit, longest first, when packed; else one a row."""
    if not packed:
        return [[index] for index in range(len(lengths))]
    rows: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        for row, free in enumerate(room):
            if lengths[index] <= free:
                rows[row].append(index)
                room[row] -= lengths[index]
                break
        else:
            rows.append([index])
            room.append(width - lengths[index])
    return rows


def label_weights(examples: Sequence[Example], normalisation: str) -> list[float]:
    """Weight of each label of each example; sums to one over the step's examples.

    `token`: every label of the global batch counts the same. `example`: every example counts the
    same, and so do the labels within it.
    """
    if normalisation == "example":
        return [1.0 / (len(examples) * example.label_count) for example in examples]
    total = sum(example.label_count for example in examples)
    return [1.0 / total for _ in examples]


def collate(
    examples: Sequence[Example],
    *,
    width: int,
    packed: bool,
    normalisation: str,
    pad_token: int,
    micro_batch_rows: int | None = None,
) -> list[Batch]:
    """The micro-batches of one step.

    Args:
        examples: the step's examples, each at most `width` tokens.
        width: largest row length in tokens; rows are cut to the longest one in use.
        micro_batch_rows: rows a micro-batch, all of them if None. It changes memory, not results
            beyond rounding.

    Returns:
        The micro-batches; an empty list if there are no examples.
    """
    if not examples:
        return []
    weights = label_weights(examples, normalisation)
    rows = rows_of([len(example.tokens) for example in examples], width, packed)
    size = micro_batch_rows or len(rows)
    return [
        _lay_out(examples, weights, rows[start : start + size], pad_token)
        for start in range(0, len(rows), size)
    ]


def _lay_out(examples, weights, rows, pad_token) -> Batch:
    length = max(sum(len(examples[index].tokens) for index in row) for row in rows)
    shape = (len(rows), length)
    tokens = np.full(shape, pad_token, dtype=np.int64)
    positions = np.tile(np.arange(length), (len(rows), 1))
    documents = np.full(shape, -1, dtype=np.int64)
    flat, targets, owners, label_weight, members = [], [], [], [], []
    for number, row in enumerate(rows):
        offset = 0
        for index in row:
            example = examples[index]
            end = offset + len(example.tokens)
            tokens[number, offset:end] = example.tokens
            positions[number, offset:end] = np.arange(len(example.tokens))
            documents[number, offset:end] = len(members)
            predicting = np.arange(example.label_start - 1, len(example.tokens) - 1)
            flat.append(number * length + offset + predicting)
            targets.append(np.asarray(example.tokens[example.label_start :]))
            owners.append(np.full(len(predicting), len(members)))
            label_weight.append(np.full(len(predicting), weights[index]))
            members.append(example)
            offset = end
        # Padding is a document of its own: its positions restart too.
        positions[number, offset:] = np.arange(length - offset)
    return Batch(
        input_ids=torch.from_numpy(tokens),
        position_ids=torch.from_numpy(positions),
        document_ids=torch.from_numpy(documents),
        label_positions=torch.from_numpy(np.concatenate(flat)),
        targets=torch.from_numpy(np.concatenate(targets)),
        label_documents=torch.from_numpy(np.concatenate(owners)),
        weights=torch.from_numpy(np.concatenate(label_weight)).float(),
        example_ids=tuple(example.id for example in members),
        sources=tuple(example.source for example in members),
    )
