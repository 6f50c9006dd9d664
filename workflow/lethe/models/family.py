"""Of which family a checkpoint in hub format is, and whether its tokenizer is a fast one."""

from pathlib import Path

from lethe.artefacts import read_json
from lethe.errors import UserError
from lethe.models.loading import first_line, is_masked, load_tokenizer

WORDS = {
    "causal": "a decoder (causal)",
    "seq2seq": "an encoder-decoder (seq2seq)",
    "masked": "a masked language model (masked)",
}


def check_family(directory: Path, family: str) -> None:
    """Refuse a checkpoint of another family than the catalogue says.

    Raises:
        UserError: it is of another family, or of an architecture that transformers lacks.
    """
    found = family_of(directory)
    if found != family:
        kind = read_json(directory / "config.json").get("model_type")
        raise UserError(
            f"{directory}: expected {WORDS[family]}, as its `family` says, found {WORDS[found]} of "
            f"type {kind!r}; mend `family` in the catalogue, or give another checkpoint."
        )


def family_of(directory: Path) -> str:
    """`causal`, `seq2seq` or `masked`, by the configuration of a checkpoint.

    Raises:
        UserError: transformers has no such architecture (code in a repository is never run).
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{directory}/config.json: no architecture that transformers has "
            f"({first_line(error)}); code that comes with a checkpoint is never run."
        ) from None
    if config.is_encoder_decoder:
        return "seq2seq"
    return "masked" if is_masked(config.architectures) else "causal"


def check_tokenizer(directory: Path, rows: int) -> None:
    """Refuse a checkpoint without a fast tokenizer that fits its weights.

    Args:
        rows: of the embedding matrix.

    Raises:
        UserError: no tokenizer.json, one that cannot be read, no end token, or too many tokens.
    """
    if not (directory / "tokenizer.json").is_file():
        raise UserError(
            f"{directory} has no fast tokenizer (tokenizer.json); make one with transformers "
            "(AutoTokenizer.from_pretrained(...).save_pretrained(...)) and import the folder."
        )
    try:
        tokenizer = load_tokenizer(directory)
    except Exception as error:  # the tokenizers library raises bare exceptions
        raise UserError(
            f"{directory}/tokenizer.json cannot be read ({first_line(error)}); make it anew."
        ) from None
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{directory}: its tokenizer has no end token; name one as `eos_token` in "
            "tokenizer_config.json."
        )
    if len(tokenizer) > rows:
        raise UserError(
            f"{directory}: its tokenizer has {len(tokenizer)} tokens, its weights only {rows}; "
            "they are of two different models."
        )
