"""Texts that a network writes by itself, drawn token by token from what it predicts."""

from collections.abc import Iterator

import numpy as np
import torch

from lethe.data.blank import Blank
from lethe.data.examples import Example
from lethe.errors import UserError
from lethe.methods.contract import Counted, uncounted
from lethe.models.window import require_room

TOGETHER = 64
"""Texts that are written in one pass. Changes the time it takes, and nothing but rounding."""


@torch.no_grad()
def write(
    model,
    blank: Blank,
    count: int,
    length: int,
    temperature: float,
    seed: tuple[int, ...],
    counted: Counted = uncounted,
) -> list[tuple[int, ...]]:
    """`count` texts as tokens, the end token included where a text came to its end.

    Text n is drawn with its own numbers, made of (seed, n): the u-quantile of softmax(scores / T),
    with a u for every token. So it does not depend on which texts are written beside it.

    Args:
        model: a decoder or an encoder-decoder, in evaluation mode.
        length: most tokens of a text, those in `blank.tokens` not counted.
        counted: as of a stage; tells how many tokens are written.

    Raises:
        UserError: a text may be longer than the model can read.
    """
    require_room(model.config, len(blank.tokens) + length)
    texts: list[tuple[int, ...]] = []
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        drawn = np.stack([np.random.default_rng([*seed, n]).random(length) for n in numbers])
        quantiles = torch.from_numpy(drawn).to(next(model.parameters()).device)
        scores = _Scores(model, blank, len(numbers))
        columns, ended = [], torch.zeros(len(numbers), dtype=torch.bool, device=quantiles.device)
        unit = f"the base's texts {first + 1} to {numbers.stop}: token"
        for place in counted(range(length), length, unit):
            chosen = quantile_of(next(scores) / temperature, quantiles[:, place])
            columns.append(chosen)
            ended |= chosen == blank.end
            if ended.all():
                break
            scores.read(chosen)
        texts += [_until(row, blank.end) for row in torch.stack(columns, 1).tolist()]
    return texts


def quantile_of(scores: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Tokens [B] at the u-quantiles [B] of the distributions softmax(scores), [B, vocabulary]."""
    summed = torch.softmax(scores.double(), -1).cumsum(-1)
    wanted = (u * summed[:, -1]).unsqueeze(1)
    found = torch.searchsorted(summed, wanted, right=True).squeeze(1)
    return found.clamp_max(scores.shape[1] - 1)


def _until(tokens: list[int], end: int) -> tuple[int, ...]:
    return tuple(tokens[: tokens.index(end) + 1] if end in tokens else tokens)


class _Scores(Iterator[torch.Tensor]):
    """Scores [B, vocabulary] of the next token of B texts that are written at once."""

    def __init__(self, model, blank: Blank, size: int):
        device = next(model.parameters()).device
        self.model, self.given, self.cache = model, {}, None
        start = blank.tokens
        if blank.encoder_tokens:
            source = torch.tensor([blank.encoder_tokens] * size, device=device)
            self.given = {"encoder_outputs": model.get_encoder()(input_ids=source)}
            start = (model.config.decoder_start_token_id,)
        self.newest = torch.tensor([start] * size, device=device)

    def __next__(self) -> torch.Tensor:
        name = "decoder_input_ids" if self.given else "input_ids"
        made = self.model(
            **self.given, **{name: self.newest}, past_key_values=self.cache, use_cache=True
        )
        self.cache = made.past_key_values
        return made.logits[:, -1].float()

    def read(self, tokens: torch.Tensor) -> None:
        """The tokens [B] that come next."""
        self.newest = tokens.unsqueeze(1)


def as_examples(texts: dict[int, tuple[int, ...]], blank: Blank, source: str) -> list[Example]:
    """Texts by number as training examples, with loss on every token that was drawn."""
    label_start = len(blank.tokens)
    return [
        Example(str(n), source, (*blank.tokens, *text), label_start, blank.encoder_tokens)
        for n, text in texts.items()
    ]


def pack(texts: list[tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The tensors of texts in a checkpoint."""
    tokens = [token for text in texts for token in text]
    return {
        "tokens": torch.tensor(tokens, dtype=torch.int32),
        "lengths": torch.tensor([len(text) for text in texts], dtype=torch.int32),
    }


def unpack(state: dict[str, torch.Tensor]) -> list[tuple[int, ...]]:
    """The inverse of `pack`.

    Raises:
        UserError: the tensors are not those of texts.
    """
    tokens, lengths = state.get("tokens"), state.get("lengths")
    if len(state) > 2 or tokens is None or lengths is None or lengths.sum() != len(tokens):
        raise UserError(
            "Self-generated replay: the parent's state was not saved by this method; train the "
            "whole chain of stages with it."
        )
    return [tuple(text.tolist()) for text in tokens.split(lengths.tolist())]
