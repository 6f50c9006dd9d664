"""Rows of a task as training examples of a model family."""

from collections.abc import Sequence

from lethe.data import examples, masked_examples, seq2seq_examples
from lethe.data.examples import Example, nothing_to_learn

# By family: the module that makes examples of documents, of instructions, and of joined texts.
ENCODERS = {"causal": examples, "seq2seq": seq2seq_examples, "masked": masked_examples}


def encode_rows(
    rows: Sequence[dict],
    source: str,
    tokenizer,
    max_length: int,
    template: str,
    family: str,
    delimiter: str = " ",
) -> list[Example]:
    """The examples of rows that are all documents or all instructions.

    Raises:
        UserError: an example is empty, or was cut to nothing.
    """
    encoder = ENCODERS[family]
    if "text" in rows[0]:
        encoded = encoder.document_examples(rows, source, tokenizer, max_length)
    else:
        encoded = encoder.instruction_examples(
            rows, source, tokenizer, max_length, template, delimiter
        )
    for example in encoded:
        if example.label_count < 1:
            raise nothing_to_learn(example)
    return encoded
