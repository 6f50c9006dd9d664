"""The tokenizer of a checkpoint: loaded without its code, and held against the model's weights."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import copy
from pathlib import Path
from typing import Any

from tokenizers import processors

from lethe.errors import UserError
from lethe.models.checkpoint_files import check_tokenizer_config
from lethe.models.refusals import refused_as_sentence


def load_tokenizer(directory: Path | str):
    """The tokenizer in a checkpoint or data directory, with a padding token.

    A `tokenizer.json` is read without transformers' automatic classes, which are slow to import.
    Without a padding token, as in LLaMA, the end token pads: padded positions are never attended
    to and carry no loss.
    """
    from transformers import PreTrainedTokenizerFast

    directory = Path(directory)
    check_tokenizer_config(directory)
    with refused_as_sentence(f"{directory}: its tokenizer cannot be read", "create it again"):
        if (directory / "tokenizer.json").is_file():
            reader = PreTrainedTokenizerFast
        else:
            from transformers import AutoTokenizer

            reader = AutoTokenizer
        tokenizer = reader.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def check_tokenizer(directory: Path, rows: int) -> None:
    """Refuse a checkpoint without a fast tokenizer that fits its weights.

    Args:
        rows: rows of the embedding matrix.

    Raises:
        UserError: no tokenizer.json, an unreadable one, no end token, or too many tokens.
    """
    if not (directory / "tokenizer.json").is_file():
        raise UserError(
            f"{directory} has no fast tokenizer (tokenizer.json); create one with transformers "
            "(AutoTokenizer.from_pretrained(...).save_pretrained(...)) and import the folder."
        )
    tokenizer = load_tokenizer(directory)
    require_end(tokenizer, directory)
    require_rows(tokenizer, rows, directory)


def require_end(tokenizer: Any, directory: Path) -> None:
    """Raise UserError if a tokenizer has no token that ends a text."""
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{directory}: its tokenizer has no end token; set `eos_token` in "
            "tokenizer_config.json."
        )


def require_rows(tokenizer: Any, rows: int, directory: Path) -> None:
    """Raise UserError unless every token has a row of the embedding matrix."""
    last = max(tokenizer.get_vocab().values(), default=-1)
    if max(last + 1, len(tokenizer)) > rows:
        raise UserError(
            f"{directory}: its tokenizer has {len(tokenizer)} tokens, the last one number {last}, "
            f"its weights only {rows}; they belong to two different models."
        )


def tokenizer_for(family: str, tokenizer):
    """The tokenizer itself, or for an encoder-decoder a copy that ends texts as T5's does.

    T5's source ends with the end token, which gives the decoder a fixed place to read from, and has
    no beginning token (Raffel et al. 2020, section 2.1). lm-eval follows the tokenizer in both.
    """
    if family != "seq2seq":
        return tokenizer
    ending = copy.deepcopy(tokenizer)
    end = tokenizer.eos_token
    ending.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}",
        pair=f"$A {end} $B {end}",
        special_tokens=[(end, tokenizer.eos_token_id)],
    )
    ending.bos_token = None
    return ending
