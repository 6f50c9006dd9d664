"""Rows of a task as training examples of a model family."""

from collections.abc import Sequence

from lethe.data import examples, masked_examples, seq2seq_examples
from lethe.data.examples import Example
from lethe.errors import UserError

# By family: the module that makes examples of documents and of instructions.
ENCODERS = {"causal": examples, "seq2seq": seq2seq_examples, "masked": masked_examples}


def encode_rows(
    rows: Sequence[dict],
    source: str,
    tokenizer,
    max_length: int,
    template: str,
    family: str,
    delimiter: str = " ",
    joined: bool = False,
) -> list[Example]:
    """The examples of rows that are all documents or all instructions.

    Args:
        joined: the texts form one stream that is cut into examples (masked language models only).

    Raises:
        UserError: an example is empty, or `joined` is set for anything but texts of a masked model.
    """
    encoder = ENCODERS[family]
    if joined:
        encoded = _joined(rows, source, tokenizer, max_length, family)
    elif "text" in rows[0]:
        encoded = encoder.document_examples(rows, source, tokenizer, max_length)
    else:
        encoded = encoder.instruction_examples(
            rows, source, tokenizer, max_length, template, delimiter
        )
    for example in encoded:
        if example.label_count < 1:
            raise UserError(f"Example {example.id!r} of {source} is empty: nothing to learn.")
    return encoded


def _joined(rows, source: str, tokenizer, max_length: int, family: str) -> list[Example]:
    if family != "masked" or "text" not in rows[0]:
        raise UserError(
            f"tasks.{source}.joined: expected texts and a masked language model, found "
            f"{'texts' if 'text' in rows[0] else 'instructions'} and a model of family {family!r}."
        )
    return masked_examples.joined_examples(rows, source, tokenizer, max_length)
