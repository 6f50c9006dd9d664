"""A checkpoint directory opened for scoring: model, tokenizer, and what identifies them."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

from pathlib import Path
from typing import Any

import torch

from lethe.artefacts.files import file_entry
from lethe.errors import UserError
from lethe.methods.attached import METHOD_STATE, attach
from lethe.models.loading import first_line, load_model, load_tokenizer

DTYPES = ("float32", "bfloat16", "float16")
# Files besides the weights that change a model's answers.
IDENTIFYING = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
    METHOD_STATE,
)


def open_checkpoint(directory: Path, dtype: str) -> tuple[Any, Any]:
    """(model, tokenizer) of a plain hub directory, on the GPU if there is one.

    Raises:
        UserError: no such directory, no safetensors weights, or truncated or altered weights.
    """
    if dtype not in DTYPES:
        raise UserError(f"Expected a dtype among {', '.join(DTYPES)}, found {dtype!r}.")
    model = load_model(directory, dtype)
    if torch.cuda.is_available():
        model = model.to("cuda")
    model, _ = attach(model, directory)
    try:
        return model.eval(), load_tokenizer(directory)
    except (OSError, ValueError) as error:
        raise UserError(f"{directory}: cannot load its tokenizer: {first_line(error)}") from None


def identifying_files(directory: Path) -> dict[str, str]:
    """sha256 of the small files besides the weights that scores depend on."""
    return {
        name: file_entry(directory / name)["sha256"]
        for name in IDENTIFYING
        if (directory / name).is_file()
    }
