"""Batches of an encoder-decoder: what the encoder reads and what the decoder predicts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lethe.data.batches import Batch, label_weights
from lethe.data.examples import Example


@dataclass(frozen=True)
class Seq2SeqBatch(Batch):
    """A batch whose `input_ids`, and the fields that describe them, are the decoder's.

    encoder_ids, encoder_document_ids: [R, S] tokens of the encoder, and the example each belongs
    to, -1 on padding. The examples of a row are the same in both.
    """

    encoder_ids: torch.Tensor
    encoder_document_ids: torch.Tensor

    @property
    def tokens(self) -> int:
        """Tokens of examples in encoder and decoder, padding not counted."""
        return super().tokens + self.encoder_tokens

    @property
    def encoder_tokens(self) -> int:
        return int((self.encoder_document_ids >= 0).sum())


def rows_of_pairs(lengths: Sequence[tuple[int, int]], packed: bool) -> list[list[int]]:
    """Place pairs of lengths in rows: first fit, longest first, when packed; else one a row.

    On either side a row is at most as long as the longest example there. Wider rows hold a few
    per cent less padding, but far more attention scores between examples, which are masked out:
    on a CPU, in narrow models, those are half of the work.

    Returns:
        The indices of the examples of every row.
    """
    if not packed:
        return [[index] for index in range(len(lengths))]
    widest = [max(side) for side in zip(*lengths, strict=True)]
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-sum(lengths[i]), i)):
        source, target = lengths[index]
        for row, (left, right) in enumerate(room):
            if source <= left and target <= right:
                rows[row].append(index)
                room[row] = (left - source, right - target)
                break
        else:
            rows.append([index])
            room.append((widest[0] - source, widest[1] - target))
    return rows


def collate(
    examples: Sequence[Example],
    *,
    packed: bool,
    normalisation: str,
    pad_token: int,
    start_token: int,
    micro_batch_rows: int | None = None,
) -> list[Seq2SeqBatch]:
    """The micro-batches of one step, as `lethe.data.batches.collate` makes them for decoders.

    Args:
        start_token: what every example's decoder input begins with.
    """
    if not examples:
        return []
    weights = label_weights(examples, normalisation)
    lengths = [(len(example.encoder_tokens), len(example.tokens)) for example in examples]
    rows = rows_of_pairs(lengths, packed)
    size = micro_batch_rows or len(rows)
    return [
        _lay_out(examples, weights, rows[start : start + size], pad_token, start_token)
        for start in range(0, len(rows), size)
    ]


def _lay_out(examples, weights, rows, pad_token, start_token) -> Seq2SeqBatch:
    numbered = list(enumerate(index for row in rows for index in row))
    places = {index: number for number, index in numbered}
    members = [examples[index] for _, index in numbered]
    inputs = {i: (start_token, *examples[i].tokens[:-1]) for _, i in numbered}
    sources = {i: examples[i].encoder_tokens for _, i in numbered}
    encoder_ids, encoder_documents, _, _ = _side(rows, sources, places, pad_token)
    input_ids, documents, positions, flat = _side(rows, inputs, places, pad_token)
    counts = [len(member.tokens) for member in members]
    return Seq2SeqBatch(
        input_ids=torch.from_numpy(input_ids),
        position_ids=torch.from_numpy(positions),
        document_ids=torch.from_numpy(documents),
        label_positions=torch.from_numpy(flat),
        targets=torch.tensor([token for member in members for token in member.tokens]),
        label_documents=torch.from_numpy(np.repeat(np.arange(len(members)), counts)),
        weights=torch.from_numpy(np.repeat([weights[i] for _, i in numbered], counts)).float(),
        example_ids=tuple(member.id for member in members),
        sources=tuple(member.source for member in members),
        encoder_ids=torch.from_numpy(encoder_ids),
        encoder_document_ids=torch.from_numpy(encoder_documents),
    )


def _side(rows, texts: dict, places: dict, pad_token: int):
    """Tokens, documents and positions [R, L] of one side, and the flat indices of its tokens."""
    length = max(sum(len(texts[index]) for index in row) for row in rows)
    tokens = np.full((len(rows), length), pad_token, dtype=np.int64)
    documents = np.full((len(rows), length), -1, dtype=np.int64)
    positions = np.tile(np.arange(length), (len(rows), 1))
    for number, row in enumerate(rows):
        offset = 0
        for index in row:
            end = offset + len(texts[index])
            tokens[number, offset:end] = texts[index]
            documents[number, offset:end] = places[index]
            positions[number, offset:] -= positions[number, offset]
            offset = end
        if offset < length:
            # Padding is a document of its own: its positions restart too.
            positions[number, offset:] -= positions[number, offset]
    return tokens, documents, positions, np.flatnonzero(documents >= 0)
