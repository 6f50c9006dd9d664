"""A masked language model for lm-eval: its log-likelihoods are pseudo-log-likelihoods."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import logging
from typing import Any

from lm_eval.api.model import TemplateLM

from lethe.errors import UserError
from lethe.evaluation.engines import pseudo_likelihood
from lethe.evaluation.engines.answers import JoinedAnswers
from lethe.evaluation.engines.requests import check_requests
from lethe.models.window import window

LOG = logging.getLogger(__name__)
TOKENS = {"cpu": 4096, "cuda": 32768}  # per batch


class MaskedModel(JoinedAnswers, TemplateLM):
    """Multiple choice for masked language models, which lm-eval's own classes do not score.

    Context and answer are one text, between the tokenizer's first and last special token; the
    tokens of the answer are masked one at a time. A text that is too long loses the beginning of
    its context.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        if tokenizer.mask_token_id is None:
            raise UserError(
                "The tokenizer of this masked language model has no mask token; set `mask_token` "
                "in tokenizer_config.json."
            )
        self.model, self.tokenizer = model.eval(), tokenizer
        last = tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id
        self.last = [] if last is None else [last]
        self.max_length = window(model.config)

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return self.last[0] if self.last else self.prefix_token_id

    @property
    def prefix_token_id(self) -> int:
        """The token that every text begins with."""
        first = self.tokenizer.cls_token_id
        return self.tokenizer.bos_token_id if first is None else first

    @property
    def tokenizer_name(self) -> str:
        return self.tokenizer.name_or_path.replace("/", "__")

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **kwargs
    ) -> list[int]:
        """Tokens of a text after the beginning token, which `add_special_tokens=False` omits."""
        tokens = self.tokenizer.encode(string, add_special_tokens=False)
        return tokens if add_special_tokens is False else [self.prefix_token_id, *tokens]

    def loglikelihood_rolling(self, requests: list, disable_tqdm: bool = False) -> list[float]:
        """Pseudo-log-likelihood in nats of every whole text."""
        whole_texts = [
            (None, [self.prefix_token_id], self.tok_encode(request.args[0], False))
            for request in requests
        ]
        return [value for value, _ in self._loglikelihood_tokens(whole_texts)]

    def generate_until(self, requests: list, disable_tqdm: bool = False) -> list[str]:
        """Refused: a masked language model cannot generate text."""
        raise UserError(
            "A masked language model cannot generate text; remove the generation tasks from its "
            "probes, or use end tasks."
        )

    def _loglikelihood_tokens(
        self, requests: list, disable_tqdm: bool = False
    ) -> list[tuple[float, bool]]:
        room = self.max_length - 1 - len(self.last)  # without the first and last token
        check_requests(requests, room)
        longest = max((len(context) - 1 + len(rest) for _, context, rest in requests), default=0)
        if longest > room:
            LOG.warning(
                "A question of %d tokens exceeds the model's %d; it was truncated on the left.",
                longest,
                room,
            )
        kind = "cpu" if self.model.device.type == "cpu" else "cuda"
        texts = [self._text(context, rest, room) for _, context, rest in requests]
        tokenizer = self.tokenizer
        return pseudo_likelihood.score(
            self.model, texts, tokenizer.mask_token_id, tokenizer.pad_token_id, TOKENS[kind]
        )

    def _text(self, context: list[int], rest: list[int], room: int) -> pseudo_likelihood.Text:
        first, *words = context
        words = words[max(len(words) + len(rest) - room, 0) :]
        tokens = (first, *words, *rest, *self.last)
        return pseudo_likelihood.Text(tokens, 1 + len(words), 1 + len(words) + len(rest))
