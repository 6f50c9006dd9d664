"""Batches of a masked language model: which tokens are masked, and how (Devlin et al. 2019)."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lethe.data.batches import Batch, rows_of
from lethe.data.examples import Example, nothing_to_learn
from lethe.errors import UserError

# Shares of the chosen tokens that become the mask token and a random token; the rest stay.
BY_MASK, BY_RANDOM = 0.8, 0.1


@dataclass(frozen=True)
class MaskedBatch(Batch):
    """A batch whose `input_ids` are masked.

    original_ids: [R, L] the tokens before masking. Unless unpadded, it has one example a row, in
    the order of the examples.
    """

    original_ids: torch.Tensor

    @property
    def unpadded(self) -> bool:
        """Whether a row has several examples."""
        return len(self.example_ids) > len(self.input_ids)

    @property
    def attention_mask(self) -> torch.Tensor:
        """[R, L], 1 on tokens and 0 on padding."""
        return (self.document_ids >= 0).long()


@dataclass(frozen=True)
class Masking:
    """How tokens are masked: by which token, which ones are never masked, and how many are.

    share: probability that a token is chosen; at least one token of every example is chosen.
    """

    mask_token: int
    special_tokens: tuple[int, ...]
    vocabulary: int
    share: float

    @classmethod
    def of(cls, tokenizer, share: float) -> "Masking":
        """The masking with a tokenizer's mask token, special tokens and vocabulary.

        Raises:
            UserError: the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise UserError(
                "The tokenizer has no mask token, which a masked language model needs; set "
                "`mask_token` in tokenizer_config.json."
            )
        special = tuple(sorted(set(tokenizer.all_special_ids)))
        return cls(tokenizer.mask_token_id, special, len(tokenizer), share)


def mask(example: Example, masking: Masking, seed: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """The masked tokens of an example, and the places that the model predicts.

    They depend on (seed, draw, example) alone, not on the batch or its order.

    Returns:
        tokens [L], and the chosen places in ascending order.
    """
    tokens = np.asarray(example.tokens)
    name = zlib.crc32(f"{example.source}/{example.id}".encode())
    generator = np.random.default_rng([seed, draw, name])
    free = np.flatnonzero([token not in masking.special_tokens for token in example.tokens])
    if not len(free):
        raise nothing_to_learn(example)
    chosen = free[generator.random(len(free)) < masking.share]
    if not len(chosen):
        chosen = generator.choice(free, 1)
    how = generator.random(len(chosen))
    seen = tokens.copy()
    seen[chosen[how < BY_MASK]] = masking.mask_token
    swapped = chosen[(how >= BY_MASK) & (how < BY_MASK + BY_RANDOM)]
    seen[swapped] = generator.integers(0, masking.vocabulary, len(swapped))
    return seen, chosen


def collate(
    examples: Sequence[Example],
    *,
    masking: Masking,
    seed: int,
    draw: int,
    normalisation: str,
    pad_token: int,
    width: int | None = None,
    micro_batch_rows: int | None = None,
) -> list[MaskedBatch]:
    """The micro-batches of one step, masked again for every draw; empty without examples.

    Args:
        width: tokens of a row that has several examples (unpadded); None: one example a row.
    """
    masked = [mask(example, masking, seed, draw) for example in examples]
    total = sum(len(chosen) for _, chosen in masked)
    members = [
        (example, seen, chosen, 1.0 / (len(masked) * len(chosen)))
        if normalisation == "example"
        else (example, seen, chosen, 1.0 / total)
        for example, (seen, chosen) in zip(examples, masked, strict=True)
    ]
    rows = rows_of([len(seen) for _, seen, *_ in members], width or 0, width is not None)
    rows = [[members[index] for index in row] for row in rows]
    size = micro_batch_rows or max(1, len(rows))
    return [_lay_out(rows[start : start + size], pad_token) for start in range(0, len(rows), size)]


def _lay_out(rows, pad_token: int) -> MaskedBatch:
    """A batch of rows of (example, tokens seen, places chosen, weight of a label)."""
    length = max(sum(len(seen) for _, seen, *_ in row) for row in rows)
    shape = (len(rows), length)
    inputs = np.full(shape, pad_token, dtype=np.int64)
    originals = inputs.copy()
    documents = np.full(shape, -1, dtype=np.int64)
    positions = np.tile(np.arange(length), (len(rows), 1))
    places, members = [], [member for row in rows for member in row]
    for number, row in enumerate(rows):
        start = 0
        for example, seen, chosen, _ in row:
            end = start + len(seen)
            inputs[number, start:end] = seen
            originals[number, start:end] = example.tokens
            documents[number, start:end] = len(places)
            positions[number, start:] -= positions[number, start]
            places.append(number * length + start + chosen)
            start = end
    counts = [len(chosen) for _, _, chosen, _ in members]
    flat = np.concatenate(places)
    return MaskedBatch(
        input_ids=torch.from_numpy(inputs),
        position_ids=torch.from_numpy(positions),
        document_ids=torch.from_numpy(documents),
        label_positions=torch.from_numpy(flat),
        targets=torch.from_numpy(originals.reshape(-1)[flat]),
        label_documents=torch.from_numpy(np.repeat(np.arange(len(members)), counts)),
        weights=torch.from_numpy(np.repeat([weight for *_, weight in members], counts)).float(),
        example_ids=tuple(example.id for example, *_ in members),
        sources=tuple(example.source for example, *_ in members),
        original_ids=torch.from_numpy(originals),
    )


def at_masks(examples: Sequence[Example], mask_token: int, pad_token: int) -> MaskedBatch:
    """One batch of texts that hold mask tokens themselves; the label is each text's first one.

    The targets are the mask token: what it hides is not known here.
    """
    rows = []
    for example in examples:
        seen = np.asarray(example.tokens)
        rows.append([(example, seen, np.flatnonzero(seen == mask_token)[:1], 1 / len(examples))])
    return _lay_out(rows, pad_token)
