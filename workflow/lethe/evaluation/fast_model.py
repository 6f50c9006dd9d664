"""Log-likelihoods with what texts begin with alike computed once; the scores are lm-eval's."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from lethe.evaluation import packed_answers, shared_prefix
from lethe.evaluation.fast_paths import why_stock
from lethe.evaluation.language_model import StockModel
from lethe.evaluation.prefix_tree import Branch, Pack, grow
from lethe.evaluation.request_check import check_requests
from lethe.evaluation.rows import plain_rows
from lethe.evaluation.scored_positions import Answer, OutputLayer
from lethe.evaluation.token_budget import batches, in_halves

LOG = logging.getLogger(__name__)
# Tokens of a batch, by kind of device: enough to fill it.
TOKENS = {"cpu": 2048, "cuda": 16384}



class FastModel(StockModel):
    """Scores of lm-eval's HFLM to rounding, from a prefix tree of all requests of a task.

    Long beginnings that many questions share (the examples of a 5-shot prompt) are computed once,
    the choices of a question in one row, the output layer at scored positions only, in batches of
    about as many tokens. A model that is not known to allow this is scored by the stock engine,
    which is said once in the log.
    """

    def __init__(self, model: Any, tokenizer: Any, batch_size: int) -> None:
        super().__init__(model, tokenizer, batch_size)
        self.tokens = TOKENS["cpu" if self.device.type == "cpu" else "cuda"]
        self.reason = why_stock(self.model)
        head = self.model.get_output_embeddings()
        self.output_layer = None if self.reason else OutputLayer(head, head.out_features)
        if self.reason:
            LOG.warning("The engine fast %s; the engine stock scores it.", self.reason)

    def _loglikelihood_tokens(
        self, requests: list, disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        """As HFLM: (log-likelihood in nats, is greedy) of each (texts, context, continuation)."""
        if self.reason or self.mixed_precision_dtype is not None or not requests:
            return super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
        check_requests(requests, self.max_length)
        if self.backend == "seq2seq":
            return packed_answers.score(self.model, requests, self.tokens, self.max_length)
        self._warn_of_truncation(requests)
        rows = plain_rows(requests, self.max_length)
        tree = grow(rows, self.model.config.hidden_size, self.tokens)
        answers: dict[int, Answer] = {}
        with torch.inference_mode():
            for packs, past in self._walk(tree, None):
                answers |= in_halves(packs, partial(self._score_packs, past=past))
        return [answers[i] for i in range(len(requests))]

    def _walk(
        self, branch: Branch, past: shared_prefix.SharedPrefix | None
    ) -> Iterator[tuple[list[Pack], shared_prefix.SharedPrefix | None]]:
        """Batches with what precedes them; what is kept of a branch is freed after its last."""
        if branch.tokens:
            past = shared_prefix.extend(self.model, past, branch.tokens)
        start = branch.start + len(branch.tokens)
        for packs in batches(branch.packs, lambda pack: _weight(pack, start), self.tokens):
            yield packs, past
        for further in branch.branches:
            yield from self._walk(further, past)

    def _score_packs(
        self, packs: list[Pack], past: shared_prefix.SharedPrefix | None
    ) -> dict[int, Answer]:
        """(log-likelihood, is greedy) of every request in the packs, by its number."""
        states = shared_prefix.states(self.model, packs, past)
        wanted = [(number, one) for number, pack in enumerate(packs) for one in pack.wanted]
        return self.output_layer.answers(states, wanted)


def _weight(pack: Pack, start: int) -> int:
    """Tokens that a pack counts for: where much is kept, the copy of it for every row weighs."""
    return max(len(pack.tokens), (start + len(pack.tokens)) // 16)
