"""Pseudo-log-likelihoods of a masked language model (Salazar et al. 2020).

PLL(answer | context) = sum over the answer's tokens t of log P(t | all other tokens of the text):
every token of the answer is masked in turn; all other tokens are seen, later ones included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lethe.evaluation.engines.prefix_tree import Wanted
from lethe.evaluation.engines.requests import batches, in_halves
from lethe.evaluation.engines.scored_positions import Answer, OutputLayer
from lethe.models import masked_forward


@dataclass(frozen=True)
class Text:
    """Tokens of a text, special ones included; those at start .. stop - 1 are scored."""

    tokens: tuple[int, ...]
    start: int
    stop: int


@torch.inference_mode()
def score(
    model, texts: Sequence[Text], mask_token: int, pad_token: int, tokens: int
) -> list[Answer]:
    """(pseudo-log-likelihood in nats, is every token the likeliest in its place) of every text.

    Args:
        tokens: tokens of a batch, padding included.

    Raises:
        UserError: an architecture whose output layer is not known.
    """
    layer = OutputLayer(masked_forward.head(model), model.config.vocab_size)
    masked: dict[tuple[tuple[int, ...], int], int] = {}  # repeated texts are computed once
    for text in texts:
        for place in range(text.start, text.stop):
            masked.setdefault((text.tokens, place), len(masked))

    def work(batch: list) -> dict[int, Answer]:
        states = _states(model, batch, mask_token, pad_token)
        wanted = [
            (row, Wanted(masked[words, place], [words[place]], [place]))
            for row, (words, place) in enumerate(batch)
        ]
        return layer.answers(states, wanted)

    by_token: dict[int, Answer] = {}
    for batch in batches(masked, lambda item: len(item[0]), tokens):
        by_token |= in_halves(batch, work)
    answers = []
    for text in texts:
        parts = [by_token[masked[text.tokens, place]] for place in range(text.start, text.stop)]
        answers.append((sum(value for value, _ in parts), all(likeliest for _, likeliest in parts)))
    return answers


def _states(model, batch: list, mask_token: int, pad_token: int) -> torch.Tensor:
    """Last hidden states [R, L, width], each row with its own token masked."""
    width = max(len(words) for words, _ in batch)
    ids = torch.full((len(batch), width), pad_token)
    attended = torch.zeros_like(ids)
    for row, (words, place) in enumerate(batch):
        ids[row, : len(words)] = torch.tensor(words)
        ids[row, place] = mask_token
        attended[row, : len(words)] = 1
    return model.base_model(
        input_ids=ids.to(model.device), attention_mask=attended.to(model.device)
    ).last_hidden_state
