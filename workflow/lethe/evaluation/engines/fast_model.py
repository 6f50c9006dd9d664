"""Log-likelihoods with shared prefixes computed once; the scores are lm-eval's."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from lethe.errors import UserError
from lethe.evaluation.engines import packed_answers, shared_prefix
from lethe.evaluation.engines.language_model import StockModel
from lethe.evaluation.engines.prefix_tree import Branch, Pack, grow, rows_of
from lethe.evaluation.engines.requests import ONE_TOO_MANY, batches, check_requests, in_halves
from lethe.evaluation.engines.scored_positions import Answer, OutputLayer
from lethe.jobs.out_of_memory import ran_out
from lethe.models.kinds import kind_of

# Settings that change logits after the output layer or scores within attention.
NEUTRAL = {
    "logit_scale": (None, 1),
    "logits_scaling": (None, 1),
    "lm_head_multiplier": (None, 1),
    "final_logit_softcapping": (None, 0),
    "attn_logit_softcapping": (None, 0),
    "attention_chunk_size": (None, 0),
}
# Rotary embeddings that depend on the longest text of a batch.
BATCH_DEPENDENT = {"dynamic", "longrope"}


def why_stock(model) -> str | None:
    """Why a model is not supported, as the end of a sentence; None if it is supported.

    Unknown models are not supported: the architecture must be listed, and its configuration must
    have nothing that changes attention or logits.
    """
    config = model.config
    kind = config.model_type
    if not kind_of(kind).shares_prefixes:
        return f"does not support the architecture {kind!r}"
    own = type(model).__module__.startswith("transformers.models.")
    if not own or any(part._forward_pre_hooks or part._forward_hooks for part in model.modules()):
        return f"does not support code or hooks added to this {kind}"
    if not isinstance(model.get_output_embeddings(), torch.nn.Linear):
        return "expects a linear output layer"
    for name, values in NEUTRAL.items():
        if (found := getattr(config, name, None)) not in values:
            return f"does not support {name} ({found})"
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if (window and getattr(config, "use_sliding_window", True)) or kinds != {"full_attention"}:
        return "expects attention over the whole text, not within a sliding window"
    rotary = getattr(config, "rope_parameters", None) or {}
    if rotary.get("rope_type", "default") in BATCH_DEPENDENT:
        return f"does not support {rotary['rope_type']} rotary positions, which depend on the batch"
    if config._attn_implementation not in ("sdpa", "eager"):
        return f"does not support the attention {config._attn_implementation!r}"
    return None


LOG = logging.getLogger(__name__)
# Tokens per batch, by kind of device: enough to keep it busy.
TOKENS = {"cpu": 2048, "cuda": 16384}


class FastModel(StockModel):
    """Scores of lm-eval's HFLM up to rounding, from a prefix tree of all requests of a task.

    Long prefixes that many questions share (the examples of a 5-shot prompt) are computed once, the
    choices of a question in one row, and the output layer at scored positions only. Batches have
    about the same number of tokens. Models that do not support this are scored by the stock engine,
    with one warning in the log.

    For every model, each text is tokenised once, and `generate` itself stops at the
    end-of-sequence token.
    """

    def __init__(self, model: Any, tokenizer: Any, batch_size: int) -> None:
        super().__init__(model, tokenizer, batch_size)
        self.tokens = TOKENS["cpu" if self.device.type == "cpu" else "cuda"]
        self.reason = why_stock(self.model)
        head = self.model.get_output_embeddings()
        self.output_layer = None if self.reason else OutputLayer(head, head.out_features)
        if self.reason:
            LOG.warning("The engine fast %s; the engine stock scores it.", self.reason)
        self._encoded: dict[str, list[int]] = {}
        self._prefix = self.tokenizer.decode(self.prefix_token_id)

    def loglikelihood(self, requests: list, disable_tqdm: bool = False) -> list[Answer]:
        """As HFLM, with the requests' texts tokenised beforehand."""
        texts = set()
        for request in requests:
            context, continuation = request.args
            texts |= {context.rstrip(), context + continuation}
        self._encode_all(texts)
        return super().loglikelihood(requests, disable_tqdm)

    def generate_until(self, requests: list, disable_tqdm: bool = False) -> list[str]:
        """As HFLM, with the prompts tokenised beforehand."""
        self._encode_all({request.args[0] for request in requests})
        return super().generate_until(requests, disable_tqdm)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs):
        """As HFLM; texts that were tokenised beforehand are looked up."""
        if add_special_tokens is None and not kwargs and string in self._encoded:
            return list(self._encoded[string])
        return super().tok_encode(string, add_special_tokens, **kwargs)

    def _encode_all(self, texts: set[str]) -> None:
        # HFLM treats a text that already begins with the prefix token differently.
        plain = sorted(text for text in texts if text and not text.startswith(self._prefix))
        self._encoded = {}
        quick = hasattr(self.tokenizer, "backend_tokenizer") and self.backend == "causal"
        if plain and quick and self.add_bos_token is None:
            # The tokenizer's own batch call; transformers' wrapping takes longer than the work.
            backend = self.tokenizer.backend_tokenizer
            backend.no_padding()
            backend.no_truncation()
            encodings = backend.encode_batch_fast(plain, add_special_tokens=True)
            self._encoded = {
                text: encoding.ids for text, encoding in zip(plain, encodings, strict=True)
            }

    def _model_generate(self, context, max_length: int, stop: list[str], **generation_kwargs):
        if self.model.generation_config.eos_token_id == self.eot_token_id:
            end = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
            stop = [text for text in stop if text != end]
        return super()._model_generate(context, max_length, stop, **generation_kwargs)

    def _loglikelihood_tokens(
        self, requests: list, disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        """As HFLM: (log-likelihood in nats, is greedy) of each (texts, context, continuation)."""
        if self.reason or self.mixed_precision_dtype is not None or not requests:
            return super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
        check_requests(requests, self.max_length)
        if self.backend == "seq2seq":
            self._warn_of_truncation([context for _, context, _ in requests], self.max_length)
            return packed_answers.score(self.model, requests, self.tokens, self.max_length)
        texts = [context + rest for _, context, rest in requests]
        # The last token is predicted, not read.
        self._warn_of_truncation(texts, self.max_length + 1)
        rows = rows_of(requests, self.max_length)
        tree = grow(rows, self.model.config.hidden_size, self.tokens)
        answers: dict[int, Answer] = {}
        with torch.inference_mode():
            for packs, past in self._walk(tree, None):
                answers |= in_halves(packs, partial(self._score_packs, past=past))
        return [answers[i] for i in range(len(requests))]

    def _warn_of_truncation(self, texts: list[list[int]], room: int) -> None:
        longest = max(map(len, texts))
        if longest > room:
            LOG.warning(
                "A question of %d tokens exceeds the model's %d; it was truncated on the left.",
                longest,
                room,
            )

    def _walk(
        self, branch: Branch, past: shared_prefix.SharedPrefix | None
    ) -> Iterator[tuple[list[Pack], shared_prefix.SharedPrefix | None]]:
        """Batches with their kept prefix; a branch's keys and values are freed after its last."""
        if branch.tokens:
            past = self._extended(past, branch.tokens)
        start = branch.start + len(branch.tokens)
        for packs in batches(branch.packs, lambda pack: _weight(pack, start), self.tokens):
            yield packs, past
        for further in branch.branches:
            yield from self._walk(further, past)

    def _extended(self, past: shared_prefix.SharedPrefix | None, tokens: list[int]):
        try:
            return shared_prefix.extend(self.model, past, tokens)
        except RuntimeError as error:
            if not ran_out(error):
                raise
            raise UserError(ONE_TOO_MANY) from None

    def _score_packs(
        self, packs: list[Pack], past: shared_prefix.SharedPrefix | None
    ) -> dict[int, Answer]:
        """(log-likelihood, is greedy) of every request in the packs, by its number."""
        states = shared_prefix.states(self.model, packs, past)
        wanted = [(number, request) for number, pack in enumerate(packs) for request in pack.wanted]
        return self.output_layer.answers(states, wanted)


def _weight(pack: Pack, start: int) -> int:
    """Tokens that a pack counts as: with a long kept prefix, its copy for every row dominates."""
    return max(len(pack.tokens), (start + len(pack.tokens)) // 16)
