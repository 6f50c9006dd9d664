"""A prompt and the text that continues it, as tokens: the one place where training and evaluation
decide where the prompt ends.

The prompt's tokens are those of the prompt alone, because that is what a model is given when it
must answer. Where the tokens of the whole text begin with them, the rest belongs to the
continuation; lm-eval cuts there too. Elsewhere a token of the whole text would span the join
(`The cat s` + `at on the mat`; `### Response:` + `"Yes"` in GPT-2's vocabulary). Such a token
cannot be kept: as part of the prompt it would give the answer's beginning away, and as part of the
answer it could never follow the prompt. The two are then encoded *apart*, so that together they
still read as the whole text, and every character of the continuation is predicted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from tokenizers import decoders, processors

from lethe.errors import UserError

# Texts to encode a continuation behind, until what is left of it continues the prompt. Alone, a
# text may get a blank in front (SentencePiece) or begin a new word (WordPiece); and behind a letter
# it may grow together with it, so several are tried.
ANCHORS = ("", "\n", ":", ".", *"0zqxjkvwbcdefghilmnoprstuya", "的", "я")


@dataclass(frozen=True)
class Joined:
    """Tokens of a prompt and of its continuation.

    Attributes:
        prompt: with the special tokens that begin a text, without those that end one.
        apart: a token would have spanned the two, so they were encoded apart.
        kept: the tokens read as the whole text does, as far as the tokenizer can write it.
    """

    prompt: list[int]
    continuation: list[int]
    apart: bool = False
    kept: bool = True


@dataclass(frozen=True)
class Around:
    """Special tokens that a tokenizer puts before and after a text."""

    head: tuple[int, ...]
    tail: tuple[int, ...]


def special_tokens(tokenizer) -> Around:
    """The special tokens around a text, found by encoding one."""
    texts = ("a", *tokenizer.get_vocab())
    text = next(text for text in texts if tokenizer(text, add_special_tokens=False)["input_ids"])
    bare = tokenizer(text, add_special_tokens=False)["input_ids"]
    wrapped = tokenizer(text)["input_ids"]
    start = next(i for i in range(len(wrapped)) if wrapped[i : i + len(bare)] == bare)
    return Around(tuple(wrapped[:start]), tuple(wrapped[start + len(bare) :]))


@contextmanager
def without_ending(tokenizer) -> Iterator[None]:
    """Within, a fast tokenizer puts its special tokens before a text only.

    Raises:
        UserError: the tokenizer is not a fast one.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UserError(
            "The tokenizer puts special tokens after every text, so that a decoder cannot continue "
            "it; set `add_eos_token` in tokenizer_config.json to false."
        )
    usual = backend.post_processor
    head = [backend.id_to_token(token) for token in special_tokens(tokenizer).head]
    backend.post_processor = processors.TemplateProcessing(
        single=" ".join([*head, "$A"]),
        special_tokens=[(token, backend.token_to_id(token)) for token in head],
    )
    try:
        yield
    finally:
        backend.post_processor = usual


def encode(tokenizer, texts: Sequence[str], special: bool = True) -> list[list[int]]:
    """Token ids of every text, neither padded nor cut.

    A fast tokenizer's own batch call is used: transformers' wrapping of it takes about as long as
    the work, and a base is trained on tens of thousands of short texts.

    Args:
        special: whether the special tokens that belong around a text are added.
    """
    texts = list(texts)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return tokenizer(texts, add_special_tokens=special)["input_ids"] if texts else []
    backend.no_padding()
    backend.no_truncation()
    encodings = backend.encode_batch_fast(texts, add_special_tokens=special)
    return [encoding.ids for encoding in encodings]


def begun(tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Texts with the special tokens that begin one, without those that end one.

    A text that is written with its beginning token, as chat templates do, gets no second one.
    """
    head = list(special_tokens(tokenizer).head)
    first = tokenizer.bos_token
    return [
        tokens if first and text.startswith(first) else head + tokens
        for text, tokens in zip(texts, encode(tokenizer, texts, special=False), strict=True)
    ]


def join(tokenizer, prompts: Sequence[str], continuations: Sequence[str]) -> list[Joined]:
    """Prompts and their continuations as tokens, whose texts add up."""
    wholes = [prompt + rest for prompt, rest in zip(prompts, continuations, strict=True)]
    encoded = begun(tokenizer, prompts), continuations, begun(tokenizer, wholes)
    return [
        joined(tokenizer, prompt, continuation, whole)
        for prompt, continuation, whole in zip(*encoded, strict=True)
    ]


def joined(tokenizer, prompt: list[int], continuation: str, whole: list[int]) -> Joined:
    """One prompt's tokens and its continuation. Something must stand before the first label, so a
    prompt without tokens becomes the token that begins a text.

    Args:
        prompt: tokens of the prompt alone.
        whole: tokens of prompt and continuation as one text.
    """
    if not prompt:
        return Joined([beginning(tokenizer)], whole)
    rest = whole[len(prompt) :]
    if whole[: len(prompt)] == prompt and not _swallowed(tokenizer, prompt, continuation, rest):
        return Joined(prompt, rest)
    text = text_of(tokenizer, whole)
    for tokens in chain([rest], _behind_anchors(tokenizer, continuation)):
        as_written = text_of(tokenizer, prompt + tokens) == text
        if as_written and not _swallowed(tokenizer, prompt, continuation, tokens):
            return Joined(prompt, tokens, apart=True)
    return Joined(prompt, encode(tokenizer, [continuation], False)[0], apart=True, kept=False)


def beginning(tokenizer) -> int:
    """The token that stands for an empty text: the beginning token, or else the end token. lm-eval
    scores texts without a context behind it."""
    return tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id


def _swallowed(tokenizer, prompt: list[int], continuation: str, rest: list[int]) -> bool:
    """Whether an unknown token at the prompt's end stands for the continuation's beginning too."""
    if prompt[-1] != tokenizer.unk_token_id or not continuation[:1].strip():
        return False
    alone = encode(tokenizer, [continuation], special=False)[0]
    return without_blanks(text_of(tokenizer, rest)) != without_blanks(text_of(tokenizer, alone))


def _behind_anchors(tokenizer, text: str) -> Iterator[list[int]]:
    """Ways to write a text that continues another, the plainest first."""
    for anchor in ANCHORS:
        before, tokens = encode(tokenizer, [anchor, anchor + text], special=False)
        if tokens[: len(before)] == before:
            yield tokens[len(before) :]


def text_of(tokenizer, tokens: Sequence[int]) -> str:
    """The text that tokens read as; see `texts_of`."""
    return texts_of(tokenizer, [tokens])[0]


def texts_of(tokenizer, sequences: Sequence[Sequence[int]]) -> list[str]:
    """The texts that tokens read as, special tokens included, with blanks as they are."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    lists = [list(tokens) for tokens in sequences]
    if backend is None:
        settings = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
        return [tokenizer.decode(tokens, **settings) for tokens in lists]
    if backend.decoder is None:
        return ["".join(backend.id_to_token(token) for token in tokens) for tokens in lists]
    if isinstance(backend.decoder, decoders.WordPiece):
        # Its own clean-up rewrites words ("do not" becomes "don't").
        plain = decoders.WordPiece(prefix=backend.decoder.prefix, cleanup=False)
        return [plain.decode([backend.id_to_token(token) for token in tokens]) for tokens in lists]
    return backend.decode_batch(lists, skip_special_tokens=False)


def without_blanks(text: str) -> str:
    """All characters of a text but blanks, tabs and line ends."""
    return "".join(text.split())
