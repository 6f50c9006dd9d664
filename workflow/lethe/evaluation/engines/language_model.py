"""lm-eval's own model class for a model in memory, with clear messages where it would fail."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import logging
from collections.abc import Callable
from typing import Any

from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import normalize_gen_kwargs

from lethe.data.joining import special_tokens, without_ending
from lethe.errors import UserError
from lethe.evaluation.engines.answers import JoinedAnswers
from lethe.evaluation.engines.requests import ONE_TOO_MANY, check_requests
from lethe.evaluation.engines.scored_positions import Answer
from lethe.jobs.out_of_memory import ran_out

LOG = logging.getLogger(__name__)


class StockModel(JoinedAnswers, HFLM):
    """lm-eval's HFLM: its rows, padding and arithmetic, with the softmax in float32.

    A decoder continues a text, so it never reads an end token that its tokenizer puts after every
    text, except in the log-likelihood of whole texts.

    Answers without tokens, or too long for the model, are refused. If memory runs out, batches are
    halved from then on.
    """

    def __init__(self, model: Any, tokenizer: Any, batch_size: int) -> None:
        super().__init__(
            pretrained=model, tokenizer=tokenizer, batch_size=batch_size, softmax_dtype="float32"
        )
        if self.backend == "causal":
            self.ending = special_tokens(self.tokenizer).tail
        # The task says how long an answer is. HFLM passes that as `max_length`, over which
        # transformers would prefer the numbers of new tokens in a generation_config.json.
        self.model.generation_config.max_new_tokens = None
        self.model.generation_config.min_new_tokens = None

    def tok_batch_encode(self, strings: list[str], *arguments, **settings):
        """As HFLM: texts to continue as tokens and their mask, padded."""
        if not self.ending:
            return super().tok_batch_encode(strings, *arguments, **settings)
        with without_ending(self.tokenizer):
            return super().tok_batch_encode(strings, *arguments, **settings)

    def generate_until(self, requests: list, disable_tqdm: bool = False) -> list[str]:
        """As HFLM, without a progress bar.

        Raises:
            UserError: the model has no room for a prompt and the longest answer, or the device
                lacks memory for a single text.
        """
        self._require_room(requests)
        return self._in_smaller_batches(super().generate_until, requests, True)

    def _require_room(self, requests: list) -> None:
        for request in requests if self.backend == "causal" else ():
            longest = normalize_gen_kwargs(request.args[1], self.max_gen_toks)["max_gen_toks"]
            if longest >= self.max_length:
                raise UserError(
                    f"{request.task_name}: its answers may have {longest} tokens (`max_gen_toks`), "
                    f"but the model reads {self.max_length} in all, prompt included; lower the "
                    "number in the task's `generation_kwargs`, or score another model."
                )

    def _loglikelihood_tokens(
        self, requests: list, disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        """As HFLM: (log-likelihood in nats, is greedy) of each (texts, context, continuation).

        Raises:
            UserError: an answer without tokens or longer than the model, or the device lacks
                memory for a single text.
        """
        check_requests(requests, self.max_length)
        score = super()._loglikelihood_tokens
        answers: dict[int, Answer] = {}
        for numbers in divided_once(requests):
            part = [requests[number] for number in numbers]
            scored = self._in_smaller_batches(score, part, True, override_bs)
            answers |= dict(zip(numbers, scored, strict=True))
        return [answers[number] for number in range(len(requests))]

    def _in_smaller_batches(self, work: Callable[..., list], *arguments) -> list:
        """The result of `work`, with batches that fit into memory."""
        while True:
            try:
                return work(*arguments)
            except RuntimeError as error:
                if not ran_out(error):
                    raise
            # Not within `except`: the error keeps the pass's tensors in memory.
            if self.batch_size < 2:
                raise UserError(ONE_TOO_MANY)
            self.batch_size_per_gpu = self.batch_size // 2
            LOG.warning("Memory ran out; %d texts per batch from now on.", self.batch_size)


def divided_once(requests: list) -> list[list[int]]:
    """Request numbers in as few lists as possible, such that within a list the same text always
    has answers of one length.

    lm-eval 0.4.13 reuses what it computed for a text in all requests with the same text, and would
    read the wrong positions for an answer of another length.
    """
    lengths: dict[tuple[int, ...], list[int]] = {}
    lists: list[list[int]] = []
    for number, (_, context, answer) in enumerate(requests):
        of_text = lengths.setdefault((*context, *answer[:-1]), [])
        if len(answer) not in of_text:
            of_text.append(len(answer))
        place = of_text.index(len(answer))
        if place == len(lists):
            lists.append([])
        lists[place].append(number)
    return lists
