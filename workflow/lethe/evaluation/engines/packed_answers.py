"""Log-likelihoods of an encoder-decoder: every context encoded once, its answers in one row.

The decoder sees only differences between positions. So answers in one row, each with its own start
token and kept apart by a mask, are computed as if each had its own row; keys and values of the
context are then computed once for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from lethe.evaluation.engines.prefix_tree import Wanted
from lethe.evaluation.engines.requests import batches, in_halves
from lethe.evaluation.engines.scored_positions import Answer, OutputLayer
from lethe.models.seq2seq_forward import additive, head

# (texts, context tokens, continuation tokens), as lm-eval passes them.
Request = tuple[object, list[int], list[int]]

LONGEST = 128  # decoder tokens of a row: attention costs grow with their square


@dataclass
class Answers:
    """Answers to one context, as one row of the decoder.

    Attributes:
        context: tokens of the encoder.
        tokens: tokens of the decoder: for every answer the start token and all but its last token.
        segments: for every token, the number of its answer.
        wanted: the requests; those that differ only in the last token share an answer.
    """

    context: tuple[int, ...]
    tokens: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)


def rows_of(requests: Sequence[Request], start_token: int, max_length: int) -> list[Answers]:
    """Rows in the order of their contexts, truncated on the left to `max_length` tokens."""
    grouped: dict[tuple[int, ...], dict[tuple[int, ...], list[int]]] = {}
    for number, (_, context, answer) in enumerate(requests):
        read = grouped.setdefault(tuple(context[-max_length:]), {})
        read.setdefault(tuple(answer[:-1]), []).append(number)
    rows = []
    for context, answers in sorted(grouped.items()):
        rows.append(row := Answers(context))
        for read, numbers in answers.items():
            if row.tokens and len(row.tokens) + 1 + len(read) > LONGEST:
                rows.append(row := Answers(context))
            begin = len(row.tokens)
            row.tokens += [start_token, *read]
            row.segments += [begin] * (1 + len(read))
            places = list(range(begin, len(row.tokens)))
            row.wanted += [Wanted(number, requests[number][2], places) for number in numbers]
    return rows


@torch.inference_mode()
def score(model, requests: Sequence[Request], tokens: int, max_length: int) -> list[Answer]:
    """(log-likelihood in nats, is greedy) of every request; softmax in float32.

    Args:
        tokens: tokens of a batch, in the encoder and in the decoder.
    """
    rows = rows_of(requests, model.config.decoder_start_token_id, max_length)
    layer = OutputLayer(lambda hidden: head(model, hidden), model.config.vocab_size)
    answers: dict[int, Answer] = {}
    for batch in batches(rows, lambda row: max(len(row.context), len(row.tokens)), tokens):
        answers |= in_halves(batch, partial(_score_rows, model, layer))
    return [answers[i] for i in range(len(requests))]


def _score_rows(model, layer: OutputLayer, rows: list[Answers]) -> dict[int, Answer]:
    """(log-likelihood, is greedy) of every request in the rows, by its number."""
    states = _states(model, rows)
    wanted = [(number, request) for number, row in enumerate(rows) for request in row.wanted]
    return layer.answers(states, wanted)


def _states(model, rows: list[Answers]) -> torch.Tensor:
    """The decoder's last hidden states [R, longest row, width]."""
    contexts = dict.fromkeys(row.context for row in rows)
    places = {context: place for place, context in enumerate(contexts)}
    owners = torch.tensor([places[row.context] for row in rows], device=model.device)
    ids, mask = _padded(list(places), model.device)
    encoded = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    inputs, _ = _padded([row.tokens for row in rows], model.device)
    segments, real = _padded([row.segments for row in rows], model.device)
    segments = segments.masked_fill(real == 0, -1)
    together = (segments[:, :, None] == segments[:, None, :]).tril()
    return model.decoder(
        input_ids=inputs,
        attention_mask=additive(together, model.dtype),
        encoder_hidden_states=encoded[owners],
        encoder_attention_mask=mask[owners],
        use_cache=False,
    ).last_hidden_state


def _padded(lists: Sequence, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers [R, L], padded with 0 on the right, and their mask."""
    width = max(map(len, lists))
    filled = torch.tensor([[*values, *[0] * (width - len(values))] for values in lists])
    lengths = torch.tensor([len(values) for values in lists])
    mask = (torch.arange(width) < lengths[:, None]).long()
    return filled.to(device), mask.to(device)
