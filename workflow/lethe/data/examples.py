"""One training example, from a document or from a prompt and its response."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lethe.errors import UserError
from lethe.jsonlines import read_rows


@dataclass(frozen=True)
class Example:
    """Tokens of one document or instruction, and where its loss starts.

    `label_start` is the index of the first token that is predicted: 1 for a document (every token
    but the first), the length of the prompt for an instruction (the response and the end token).
    """

    id: str
    source: str
    tokens: tuple[int, ...]
    label_start: int

    @property
    def label_count(self) -> int:
        return len(self.tokens) - self.label_start


def document_example(row: dict, source: str, tokenizer, max_length: int) -> Example:
    """A document with loss on every token but the first; cut at `max_length` tokens."""
    tokens = tokenizer(row["text"])["input_ids"] + [tokenizer.eos_token_id]
    return Example(str(row["id"]), source, tuple(tokens[:max_length]), 1)


def instruction_example(
    row: dict, source: str, tokenizer, max_length: int, template: str
) -> Example:
    """A prompt and its response with loss on the response and the end token only.

    The prompt is cut from its left end when both are longer than `max_length`, so that every
    example keeps its labels; a response that alone is longer is cut at its end.
    """
    prompt = tokenizer(template.format(prompt=row["prompt"]))["input_ids"]
    response = tokenizer(" " + row["response"], add_special_tokens=False)["input_ids"]
    response = (response + [tokenizer.eos_token_id])[: max_length - 1]
    room = max_length - len(response)
    if len(prompt) > room:
        prompt = prompt[:1] + prompt[len(prompt) - room + 1 :] if room > 1 else prompt[-room:]
    return Example(str(row["id"]), source, tuple(prompt + response), len(prompt))


def load_examples(
    path: Path, source: str, tokenizer, max_length: int, template: str
) -> list[Example]:
    """Read a jsonl of documents (`text`) or of instructions (`prompt`, `response`).

    Raises:
        UserError: a row has neither set of columns, or the file holds no row.
    """
    return list(_parse(read_rows(path), path, source, tokenizer, max_length, template))


def _parse(
    rows: Iterable[dict], path, source, tokenizer, max_length, template
) -> Iterator[Example]:
    empty = True
    for number, row in enumerate(rows, start=1):
        empty = False
        row = {"id": f"{source}-{number}", **row}
        if isinstance(row.get("text"), str):
            example = document_example(row, source, tokenizer, max_length)
        elif isinstance(row.get("prompt"), str) and isinstance(row.get("response"), str):
            example = instruction_example(row, source, tokenizer, max_length, template)
        else:
            raise UserError(
                f"{path}, line {number}: expected the columns `text`, or `prompt` and `response`, "
                f"as strings; found {sorted(row)}."
            )
        if example.label_count < 1:
            raise UserError(f"{path}, line {number}: the text is empty, nothing could be learned.")
        yield example
    if empty:
        raise UserError(f"{path} holds no examples: expected one JSON object a line.")
