"""The model as lm-eval sees it: its own HFLM with the waste taken out, the same scores."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

import logging
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM

from lethe.models.forward import PLAIN_HEADS

LOG = logging.getLogger(__name__)


class StockModel(HFLM):
    """lm-eval's HFLM over a model in memory.

    Requests, padding, order and arithmetic are lm-eval's; what differs is that nothing is computed
    that no score reads: texts are tokenised once each, the output layer is applied at scored
    positions only, no key-value cache is kept where nothing reads it, and a stop at the
    end-of-sequence token is left to `generate`. Scores equal lm-eval's to rounding.
    """

    def __init__(self, model: Any, tokenizer: Any, batch_size: int) -> None:
        super().__init__(
            pretrained=model, tokenizer=tokenizer, batch_size=batch_size, softmax_dtype="float32"
        )
        self._encoded: dict[str, list[int]] = {}
        self._prefix = self.tokenizer.decode(self.prefix_token_id)

    def loglikelihood(self, requests: list, disable_tqdm: bool = False) -> list:
        """As HFLM, with the requests' texts tokenised beforehand."""
        texts = set()
        for request in requests:
            context, continuation = request.args
            texts |= {context.rstrip(), context + continuation}
        self._encode_all(texts)
        return super().loglikelihood(requests, disable_tqdm=True)

    def generate_until(self, requests: list, disable_tqdm: bool = False) -> list[str]:
        """As HFLM, with the prompts tokenised beforehand."""
        self._encode_all({request.args[0] for request in requests})
        return super().generate_until(requests, disable_tqdm=True)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs):
        """As HFLM; texts that were tokenised beforehand are looked up."""
        if add_special_tokens is None and not kwargs and string in self._encoded:
            return list(self._encoded[string])
        return super().tok_encode(string, add_special_tokens, **kwargs)

    def _encode_all(self, texts: set[str]) -> None:
        # HFLM treats a text that already begins with the prefix token differently.
        plain = sorted(text for text in texts if text and not text.startswith(self._prefix))
        self._encoded = {}
        if plain and self.add_bos_token is None and self.backend == "causal":
            self._encoded = dict(zip(plain, self.tokenizer(plain)["input_ids"], strict=True))

    def _loglikelihood_tokens(
        self, requests: list, disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        """As HFLM: (log-likelihood in nats, is greedy) of each (texts, context, continuation)."""
        batch_size = override_bs or self.batch_size
        plain = self.backend == "causal" and self.model.config.model_type in PLAIN_HEADS
        if not plain or not isinstance(batch_size, int) or self.mixed_precision_dtype is not None:
            return super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
        # Continuations that differ in their last token only share a row, as lm-eval's cache does.
        rows: dict[tuple[int, ...], list[int]] = {}
        for i, (_, context, continuation) in enumerate(requests):
            tokens = (context + continuation)[-(self.max_length + 1) :]
            rows.setdefault(tuple(tokens[:-1]), []).append(i)
        self._warn_of_truncation(requests)
        order = sorted(rows, key=lambda row: (-len(row), row))
        answers: dict[int, tuple[float, bool]] = {}
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            wanted = [[(i, requests[i][2]) for i in rows[row]] for row in batch]
            answers |= self._score_rows(batch, wanted)
        return [answers[i] for i in range(len(requests))]

    @torch.no_grad()
    def _score_rows(
        self, rows: list[tuple[int, ...]], wanted: list[list[tuple[int, list[int]]]]
    ) -> dict[int, tuple[float, bool]]:
        """Score the continuations that end one token after each row.

        Args:
            rows: input tokens, without the last token of their continuations.
            wanted: for each row, (request, continuation tokens).
        """
        width = max(map(len, rows))
        inputs = torch.tensor([row + (0,) * (width - len(row)) for row in rows])
        hidden = self.model.base_model(
            input_ids=inputs.to(self.device), use_cache=False
        ).last_hidden_state
        positions, picks, targets = [], [], []
        for number, (row, requests) in enumerate(zip(rows, wanted, strict=True)):
            longest = max(len(continuation) for _, continuation in requests)
            end = number * width + len(row)
            positions += range(end - longest, end)
            for _, continuation in requests:
                picks += range(len(positions) - len(continuation), len(positions))
                targets += continuation
        scored = hidden.flatten(0, 1)[torch.tensor(positions, device=self.device)]
        logits = self.model.get_output_embeddings()(scored)
        logprobs = logits.log_softmax(dim=-1, dtype=self.softmax_dtype)
        index = torch.tensor([picks, targets], device=self.device)
        found = logprobs[index[0], index[1]].tolist()
        greedy = (logits.argmax(dim=-1)[index[0]] == index[1]).tolist()
        answers, start = {}, 0
        for request, continuation in (one for requests in wanted for one in requests):
            stop = start + len(continuation)
            answers[request] = (sum(found[start:stop]), all(greedy[start:stop]))
            start = stop
        return answers

    def _warn_of_truncation(self, requests: list) -> None:
        longest = max((len(context) + len(rest) for _, context, rest in requests), default=0)
        if longest > self.max_length + 1:
            LOG.warning(
                "A question of %d tokens is longer than the model's %d; it was cut on the left.",
                longest,
                self.max_length + 1,
            )

    def _model_generate(self, context, max_length: int, stop: list[str], **generation_kwargs):
        if self.model.generation_config.eos_token_id == self.eot_token_id:
            end = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
            stop = [text for text in stop if text != end]
        return super()._model_generate(context, max_length, stop, **generation_kwargs)


def wrap(model: Any, tokenizer: Any, batch_size: int) -> HFLM:
    """The model ready for lm-eval; log-softmax in float32 whatever the weights' dtype."""
    return StockModel(model, tokenizer, batch_size)
