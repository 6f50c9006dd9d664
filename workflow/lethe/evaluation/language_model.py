"""The model as lm-eval sees it: its own HFLM with the waste taken out, the same scores."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

import logging
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM

from lethe.evaluation import seq2seq_scoring
from lethe.evaluation.request_check import check_requests, check_texts
from lethe.evaluation.rows import Row, packed_rows, plain_rows

LOG = logging.getLogger(__name__)
# Models that take a mask of four dimensions and explicit positions (the tests prove it).
PACKABLE = {"llama", "qwen2", "gpt_neox", "gpt2"}
# Models whose logits are the output embeddings applied to the last hidden states, nothing more.
PLAIN_HEADS = PACKABLE | {"bloom", "opt"}


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
        check_texts([request.args for request in requests])
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
        fast = hasattr(self.tokenizer, "backend_tokenizer") and self.backend == "causal"
        if plain and fast and self.add_bos_token is None:
            # The tokenizer's own batch call; transformers' wrapping takes longer than the work.
            backend = self.tokenizer.backend_tokenizer
            backend.no_padding()
            backend.no_truncation()
            found = backend.encode_batch_fast(plain, add_special_tokens=True)
            self._encoded = {text: one.ids for text, one in zip(plain, found, strict=True)}

    def _loglikelihood_tokens(
        self, requests: list, disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        """As HFLM: (log-likelihood in nats, is greedy) of each (texts, context, continuation)."""
        check_requests(requests, self.max_length)
        batch_size = override_bs or self.batch_size
        known = seq2seq_scoring.KNOWN if self.backend == "seq2seq" else PLAIN_HEADS
        plain = self.model.config.model_type in known
        if not plain or not isinstance(batch_size, int) or self.mixed_precision_dtype is not None:
            return super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
        if self.backend == "seq2seq":
            return seq2seq_scoring.score(
                self.model, requests, batch_size, self.max_length, self.softmax_dtype
            )
        self._warn_of_truncation(requests)
        rows = self._rows(requests)
        answers: dict[int, tuple[float, bool]] = {}
        for start in range(0, len(rows), batch_size):
            answers |= self._score_rows(rows[start : start + batch_size])
        return [answers[i] for i in range(len(requests))]

    def _rows(self, requests: list) -> list[Row]:
        return plain_rows(requests, self.max_length)

    @torch.no_grad()
    def _score_rows(self, rows: list[Row]) -> dict[int, tuple[float, bool]]:
        """(log-likelihood, is greedy) of every request in the rows, by its number."""
        hidden = self._hidden(rows)
        width = hidden.shape[1]
        scored: dict[int, int] = {}  # flat position -> index among the scored ones
        picks, targets = [], []
        wanted = [one for row in rows for one in row.wanted]
        for number, row in enumerate(rows):
            for one in row.wanted:
                for source, target in zip(one.sources, one.targets, strict=True):
                    picks.append(scored.setdefault(number * width + source, len(scored)))
                    targets.append(target)
        positions = torch.tensor(list(scored), device=self.device)
        logits = self.model.get_output_embeddings()(hidden.flatten(0, 1)[positions])
        logprobs = logits.log_softmax(dim=-1, dtype=self.softmax_dtype)
        index = torch.tensor([picks, targets], device=self.device)
        found = logprobs[index[0], index[1]].tolist()
        greedy = (logits.argmax(dim=-1)[index[0]] == index[1]).tolist()
        answers, start = {}, 0
        for one in wanted:
            stop = start + len(one.targets)
            answers[one.request] = (sum(found[start:stop]), all(greedy[start:stop]))
            start = stop
        return answers

    def _hidden(self, rows: list[Row]) -> torch.Tensor:
        """Last hidden states [rows, longest row, width]; rows are padded on the right."""
        inputs = self._padded([row.tokens for row in rows], 0)
        return self.model.base_model(input_ids=inputs, use_cache=False).last_hidden_state

    def _padded(self, lists: list[list[int]], filler: int) -> torch.Tensor:
        width = max(map(len, lists))
        rows = [values + [filler] * (width - len(values)) for values in lists]
        return torch.tensor(rows, device=self.device)

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


class PackedModel(StockModel):
    """Log-likelihoods with every context computed once for all its continuations.

    A mask keeps the continuations apart; scores equal lm-eval's to rounding. Requests of which
    one is too long for the model are scored the plain way, cut as lm-eval cuts them.
    """

    def _rows(self, requests: list) -> list[Row]:
        longest = max((len(context) + len(rest) for _, context, rest in requests), default=0)
        if longest > self.max_length + 1:
            return super()._rows(requests)
        return packed_rows(requests, self.max_length)

    def _hidden(self, rows: list[Row]) -> torch.Tensor:
        segments = self._padded([row.segments for row in rows], 0)
        if not segments.any():
            return super()._hidden(rows)
        width = segments.shape[1]
        before = torch.ones(width, width, dtype=torch.bool, device=self.device).tril()
        same = segments[:, None, :] == segments[:, :, None]
        sees = before & (same | (segments == 0)[:, None, :])
        return self.model.base_model(
            input_ids=self._padded([row.tokens for row in rows], 0),
            position_ids=self._padded([row.positions for row in rows], 0),
            attention_mask=sees[:, None],
            use_cache=False,
        ).last_hidden_state
