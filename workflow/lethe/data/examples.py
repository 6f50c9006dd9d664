"""Texts to tokens, and one example of a decoder: a document, or a prompt and its response."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.data.joining import begun, join, texts_of, without_blanks
from lethe.data.unknown_tokens import unknown_token
from lethe.errors import UserError, counted
from lethe.parameters.prompt_templates import wrapped

# What may have become of an example's text on its way to tokens, and how a log says it.
APART = "encoded_apart"
UNKNOWN = "with_unknown_tokens"
REWRITTEN = "rewritten_by_tokenizer"
LOWERED = "in_lower_case"
SPECIAL = "with_special_tokens"
LAYOUT = "without_their_line_ends"
OTHER_BLANKS = re.compile(r"[^\S ]")
NOTES = {
    APART: "a token would span prompt and response; they are encoded apart, and nothing is lost",
    UNKNOWN: "the tokenizer has no token for a part of the text, which cannot be learned",
    REWRITTEN: "the tokenizer changes or drops characters of the text",
    LOWERED: "the tokenizer writes the text in lower case",
    SPECIAL: "they spell a special token of the tokenizer, which is learned as that token; answers "
    "never show it",
    LAYOUT: "the tokenizer changes or drops line ends or tabs",
}


@dataclass(frozen=True)
class Example:
    """Tokens of one document or instruction, and where its loss starts.

    `label_start` is the index of the first token that is predicted: 1 for a document (every token
    but the first), the length of the prompt for an instruction (the response and the end token).
    An example of an encoder-decoder has `encoder_tokens` too; there `tokens` are what the decoder
    predicts, all of them (`label_start` 0). `notes` are those of `NOTES` that are true of it.
    `cut_prompt` and `cut_text` are how many tokens of the prompt, and of the document or response,
    were left out because they were too many.
    """

    id: str
    source: str
    tokens: tuple[int, ...]
    label_start: int
    encoder_tokens: tuple[int, ...] = ()
    notes: frozenset[str] = frozenset()
    cut_prompt: int = 0
    cut_text: int = 0

    @property
    def label_count(self) -> int:
        return len(self.tokens) - self.label_start


def nothing_to_learn(example: Example) -> UserError:
    """An example without a token that is predicted: it is empty, or was cut to nothing."""
    name = f"{example.id!r} of {example.source}"
    if example.cut_text:
        return UserError(
            f"Example {name}: cut to {counted(len(example.tokens), 'token')} by the recipe's "
            "`max_length`, which leaves nothing to learn; raise it."
        )
    return UserError(f"Example {name} is empty: nothing to learn.")


PieceMaker = Callable[[str, str, tuple[int, ...]], Example]
"""From a name, the task and the tokens of a piece of joined texts to its example."""


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Documents with loss on every token but the first; cut at `max_length` tokens."""
    texts = [row["text"] for row in rows]
    encoded = stream_tokens(texts, tokenizer)
    notes = notes_of(tokenizer, texts, encoded)
    return [
        Example(
            str(row["id"]),
            source,
            tuple(tokens[:max_length]),
            1,
            notes=about,
            cut_text=max(0, len(tokens) - max_length),
        )
        for row, tokens, about in zip(rows, encoded, notes, strict=True)
    ]


def piece_maker(tokenizer, max_length: int) -> tuple[int, PieceMaker]:
    """The length of a piece of joined texts, and what makes an example of one.

    The loss is on every token but the piece's first, which nothing comes before.
    """
    return max_length, lambda name, source, tokens: Example(name, source, tokens, 1)


def stream_tokens(texts: Sequence[str], tokenizer) -> list[list[int]]:
    """Tokens of every text, with those that begin a text and the end token."""
    return [[*tokens, tokenizer.eos_token_id] for tokens in begun(tokenizer, texts)]


def instruction_examples(
    rows: Sequence[dict],
    source: str,
    tokenizer,
    max_length: int,
    template: str,
    delimiter: str = " ",
) -> list[Example]:
    """Prompts and responses with loss on every character of the response and on the end token.

    The prompt is cut from its left end when both are longer than `max_length`, so that every
    example keeps its labels; a response that alone is longer is cut at its end.
    """
    prompts = [wrapped(template, row["prompt"]) for row in rows]
    responses = [delimiter + row["response"] for row in rows]
    pairs = join(tokenizer, prompts, responses)
    texts = [prompt + response for prompt, response in zip(prompts, responses, strict=True)]
    tokens = [pair.prompt + pair.continuation for pair in pairs]
    notes = notes_of(tokenizer, texts, tokens, learned=responses)
    examples = []
    for row, pair, about in zip(rows, pairs, notes, strict=True):
        prompt = pair.prompt
        response = pair.continuation + [tokenizer.eos_token_id]
        cut = {"cut_text": max(0, len(response) - (max_length - 1))}
        response = response[: max_length - 1]
        room = max_length - len(response)
        cut["cut_prompt"] = max(0, len(prompt) - room)
        if len(prompt) > room:
            # The first token begins every text, so it is kept.
            prompt = prompt[:1] + prompt[len(prompt) - room + 1 :]
        tokens = tuple(prompt + response)
        about = about | ({APART} if pair.apart else set()) | (set() if pair.kept else {REWRITTEN})
        examples.append(Example(str(row["id"]), source, tokens, len(prompt), notes=about, **cut))
    return examples


def notes_of(
    tokenizer,
    texts: Sequence[str],
    sequences: Sequence[Sequence[int]],
    learned: Sequence[str] | None = None,
) -> list[frozenset[str]]:
    """What became of each text in its tokens, but for `APART`.

    Blanks are not compared: many tokenizers do not keep them as they are.

    Args:
        learned: the parts that are labels, which should spell no special token; None: all.
    """
    unknown = unknown_token(tokenizer.unk_token_id, tokenizer.eos_token_id)
    spelled = _special_tokens(tokenizer)
    notes = []
    for text, tokens, read, labels in zip(
        texts, sequences, texts_of(tokenizer, sequences), learned or texts, strict=True
    ):
        about = {UNKNOWN} if unknown is not None and unknown in tokens else set()
        given, kept = without_blanks(text), without_blanks(read)
        # Special tokens may stand around the text.
        if given not in kept:
            about.add(LOWERED if given.lower() in kept else REWRITTEN)
        if OTHER_BLANKS.findall(text) != OTHER_BLANKS.findall(read):
            about.add(LAYOUT)
        if spelled.search(labels):
            about.add(SPECIAL)
        notes.append(frozenset(about))
    return notes


def _special_tokens(tokenizer) -> re.Pattern:
    """Finds the tokens that a tokenizer makes of their names in a text, and leaves out of answers.

    Chat templates and a task's `template` may spell them; a response hardly means to.
    """
    added = tokenizer.added_tokens_decoder.values()
    names = [re.escape(token.content) for token in added if token.special and token.content]
    return re.compile("|".join(names) or "(?!)")


def notes_in_numbers(examples: Iterable[Example]) -> dict[str, int]:
    """How many examples each note is true of."""
    counts = Counter(note for example in examples for note in example.notes)
    return {note: counts[note] for note in NOTES}


def say_notes(notes: dict[str, int]) -> None:
    """Print a line for every note that is true of any text."""
    for note, count in notes.items():
        if count:
            print(f"{counted(count, 'text')}: {NOTES[note]}", flush=True)


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
