"""Contexts and answers as tokens: as in lm-eval, and right where an answer begins within one."""

from collections.abc import Sequence

from lethe.data.joining import Joined, joined
from lethe.evaluation.engines.requests import check_texts
from lethe.evaluation.engines.scored_positions import Answer


class JoinedAnswers:
    """Part of an lm-eval model: every character of an answer is scored.

    lm-eval moves the blanks at a context's end to the answer, encodes the context and the whole
    text, and takes the tokens after the context's as the answer's. That is done here too, but where
    a token spans the two, lm-eval loses the answer's beginning; they are then encoded apart as in
    training (`lethe.data.joining`). An encoder-decoder reads them as two texts anyway.

    Attributes:
        apart: (context, answer) of the requests that were encoded apart, of all tasks so far.
        ending: special tokens that the tokenizer puts after every text; no answer follows them.
    """

    ending: Sequence[int] = ()

    def __init__(self, *arguments, **settings) -> None:
        super().__init__(*arguments, **settings)
        self.apart: set[tuple[str, str]] = set()

    def loglikelihood(self, requests: list, disable_tqdm: bool = False) -> list[Answer]:
        """(log-likelihood in nats, is greedy) of every (context, answer).

        Raises:
            UserError: an answer without tokens, or longer than the model.
        """
        pairs = [request.args for request in requests]
        check_texts(pairs)
        found = [self._joined(*pair) for pair in pairs]
        self.apart |= {pair for pair, tokens in zip(pairs, found, strict=True) if tokens.apart}
        return self._loglikelihood_tokens(
            [
                (pair, tokens.prompt, tokens.continuation)
                for pair, tokens in zip(pairs, found, strict=True)
            ]
        )

    def _joined(self, context: str, answer: str) -> Joined:
        """The tokens of a context and its answer."""
        if not context:
            tokens = self.tok_encode(answer, add_special_tokens=False)
            first = self.prefix_token_id
            return Joined([first], tokens[1:] if tokens[:1] == [first] else tokens)
        stripped = context.rstrip()
        answer = context[len(stripped) :] + answer
        if self.backend != "causal":
            return Joined(
                self.tok_encode(stripped), self.tok_encode(answer, add_special_tokens=False)
            )
        prompt, whole = (self._begun(text) for text in (stripped, stripped + answer))
        return joined(self.tokenizer, prompt, answer, whole)

    def _begun(self, text: str) -> list[int]:
        tokens = self.tok_encode(text)
        end = len(tokens) - len(self.ending)
        return tokens[:end] if self.ending and tokens[end:] == list(self.ending) else tokens
