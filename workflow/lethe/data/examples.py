"""Texts to tokens, and one example of a decoder: a document, or a prompt and its response."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.errors import UserError


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


@dataclass(frozen=True)
class Example:
    """Tokens of one document or instruction, and where its loss starts.

    `label_start` is the index of the first token that is predicted: 1 for a document (every token
    but the first), the length of the prompt for an instruction (the response and the end token).
    An example of an encoder-decoder has `encoder_tokens` too; there `tokens` are what the decoder
    predicts, all of them (`label_start` 0). `cut_prompt` and `cut_text` are how many tokens of the
    prompt, and of the document or response, were left out because they were too many.
    """

    id: str
    source: str
    tokens: tuple[int, ...]
    label_start: int
    encoder_tokens: tuple[int, ...] = ()
    cut_prompt: int = 0
    cut_text: int = 0

    @property
    def label_count(self) -> int:
        return len(self.tokens) - self.label_start


PieceMaker = Callable[[str, str, tuple[int, ...]], Example]
"""From a name, the task and the tokens of a piece of joined texts to its example."""


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Documents with loss on every token but the first; cut at `max_length` tokens."""
    encoded = stream_tokens([row["text"] for row in rows], tokenizer)
    return [
        Example(
            str(row["id"]),
            source,
            tuple(tokens[:max_length]),
            1,
            cut_text=max(0, len(tokens) - max_length),
        )
        for row, tokens in zip(rows, encoded, strict=True)
    ]


def piece_maker(tokenizer, max_length: int) -> tuple[int, PieceMaker]:
    """The length of a piece of joined texts, and what makes an example of one.

    The loss is on every token but the piece's first, which nothing comes before.
    """
    return max_length, lambda name, source, tokens: Example(name, source, tokens, 1)


def stream_tokens(texts: Sequence[str], tokenizer) -> list[list[int]]:
    """Tokens of every text, with the end token as the last, whoever puts it there."""
    end = tokenizer.eos_token_id
    encoded = encode(tokenizer, texts)
    return [tokens if tokens[-1:] == [end] else [*tokens, end] for tokens in encoded]


def instruction_examples(
    rows: Sequence[dict],
    source: str,
    tokenizer,
    max_length: int,
    template: str,
    delimiter: str = " ",
) -> list[Example]:
    """Prompts and their responses with loss on the response and the end token only.

    The prompt is cut from its left end when both are longer than `max_length`, so that every
    example keeps its labels; a response that alone is longer is cut at its end.
    """
    texts = [template.format(prompt=row["prompt"]) for row in rows]
    prompts = encode(tokenizer, texts)
    # Prompt and response are read together, as evaluation reads them: alone, a response would get
    # the extra blank that LLaMA's tokenizer puts before every text.
    texts = [text + delimiter + row["response"] for text, row in zip(texts, rows, strict=True)]
    sequences = encode(tokenizer, texts)
    examples = []
    for row, prompt, sequence in zip(rows, prompts, sequences, strict=True):
        response = sequence[len(prompt) :] + [tokenizer.eos_token_id]
        cut = {"cut_text": max(0, len(response) - (max_length - 1))}
        response = response[: max_length - 1]
        room = max_length - len(response)
        cut["cut_prompt"] = max(0, len(prompt) - room)
        if len(prompt) > room:
            # The first token begins every text, so it is kept.
            prompt = prompt[:1] + prompt[len(prompt) - room + 1 :]
        tokens = tuple(prompt + response)
        examples.append(Example(str(row["id"]), source, tokens, len(prompt), **cut))
    return examples


def read_example_rows(path: Path, source: str) -> list[dict]:
    """Rows of a jsonl of documents (`text`) or instructions (`prompt`, `response`), with ids.

    Raises:
        UserError: a row has neither set of columns, or the file holds no row.
    """
    rows = [{"id": f"{source}-{n}", **row} for n, row in enumerate(read_rows(path), start=1)]
    if not rows:
        raise UserError(f"{path} holds no examples: expected one JSON object a line.")
    if not all(isinstance(row.get("text"), str) for row in rows):
        _require_instructions(rows, path)
    return rows


def _require_instructions(rows: list[dict], path: Path) -> None:
    for number, row in enumerate(rows, start=1):
        if not all(isinstance(row.get(column), str) for column in ("prompt", "response")):
            raise UserError(
                f"{path}, example {number}: expected the columns `text`, or `prompt` and "
                f"`response`, as strings; found {sorted(row)}."
            )
