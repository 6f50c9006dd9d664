"""A checkpoint directory opened for scoring: model, tokenizer, and what identifies them."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import re
from pathlib import Path
from typing import Any

import torch

from lethe.artefacts.files import file_entry
from lethe.artefacts.paths import MANIFEST
from lethe.errors import UserError
from lethe.evaluation.specification import DTYPES
from lethe.methods.attached import METHOD_STATE, attach
from lethe.models.adapters import WEIGHTS as ADAPTER_WEIGHTS
from lethe.models.adapters import merge_adapter
from lethe.models.as_loaded import require_finite
from lethe.models.checkpoint_files import TOKENIZER_CONFIG
from lethe.models.loading import load_model, made_here
from lethe.models.refusals import refused_as_sentence
from lethe.models.tokenizer import load_tokenizer, require_end, require_rows
from lethe.models.window import window
from lethe.parametrisations.composed import load_checkpoint

TRIED_TOKENS = 32
# Files of a checkpoint's folder that no loading reads, or that are told apart as weights: anything
# else may belong to some tokenizer or configuration, whatever its name.
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx")
DOCUMENTS = (".md", ".log", ".csv", ".png", ".jpg", ".pdf")
KEPT_SCORES = re.compile(r"-[0-9a-f]{12}\.json$")
DEVICE = re.compile(r"cuda(:\d+)?")
CHAT_TEMPLATES = "additional_chat_templates"


def open_checkpoint(
    directory: Path, dtype: str, adapter: Path | None = None, device: str = "auto"
) -> tuple[Any, Any]:
    """(model, tokenizer) of a plain hub directory, with an adapter merged into it if one is given.

    An adapter is merged in float32, whatever the dtype of the result. Its own tokenizer is used if
    it brings one.

    Raises:
        UserError: no such directory, no safetensors weights, or truncated or altered weights; an
            adapter that does not fit; no such device.
    """
    if dtype not in DTYPES:
        raise UserError(f"Expected a dtype among {', '.join(DTYPES)}, found {dtype!r}.")
    place = device_of(device)
    if adapter is None:
        model = load_checkpoint(directory, dtype).to(place)
        model, _ = attach(model, directory)
    else:
        _require_plain(directory, adapter)
        model = merge_adapter(load_model(directory, "float32"), adapter)
        require_finite(model, adapter)
        model = model.to(place, getattr(torch, dtype))
    tokenizer = load_tokenizer(tokenizer_folder(directory, adapter))
    if adapter is not None or not made_here(directory):
        try_out(model.eval(), tokenizer, adapter or directory)
    return model.eval(), tokenizer


def device_of(name: str) -> torch.device:
    """The device of a name: `cpu`, `cuda`, `cuda:N`, or `auto` for a GPU if there is one.

    Raises:
        UserError: no such device on this machine.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    if name != "cpu" and not DEVICE.fullmatch(name):
        raise UserError(f"--device: expected cpu, cuda, cuda:N or auto, found {name!r}.")
    if name != "cpu" and int(name.partition(":")[2] or 0) >= count:
        found = f"{count} GPUs" if count else "no GPU that this torch can use"
        raise UserError(f"--device: {name} is not on this machine, found {found}; use cpu or auto.")
    return torch.device(name)


def tokenizer_folder(directory: Path, adapter: Path | None) -> Path:
    """The folder whose tokenizer a model reads with: the adapter's, if it has one."""
    names = ("tokenizer.json", TOKENIZER_CONFIG)
    if adapter is not None and all((adapter / name).is_file() for name in names):
        return adapter
    return directory


def _require_plain(directory: Path, adapter: Path) -> None:
    if (directory / METHOD_STATE).is_file():
        raise UserError(
            f"{adapter}: its base {directory} has additions of a method ({METHOD_STATE}), on which "
            "an adapter means nothing; give a base that is a plain model with --base."
        )


@torch.no_grad()
def try_out(model: Any, tokenizer: Any, directory: Path) -> None:
    """Give a checkpoint from elsewhere a few tokens to read, and to continue if it can.

    A configuration may fit its weights and still compute nothing, as with a negative base of the
    rotary positions.

    Raises:
        UserError: the tokenizer has more tokens than the model, or no end token; or the model
            cannot read, or gives what is not a number.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    require_rows(tokenizer, rows, directory)
    masked = type(model).__name__.endswith("ForMaskedLM")
    if not masked:
        require_end(tokenizer, directory)
    with refused_as_sentence(f"{directory}: its tokenizer cannot read a text"):
        read = tokenizer("a text")
        numbers, _ = read["input_ids"], read["attention_mask"]
    if (last := max(numbers, default=0)) >= rows:
        raise UserError(
            f"{directory}: its tokenizer reads a text as tokens up to number {last}, its weights "
            f"have only {rows}; they belong to two different models."
        )
    with refused_as_sentence(f"{directory}: its model cannot read a text"):
        count = max(1, min(TRIED_TOKENS, rows, (window(model.config) or TRIED_TOKENS) - 1))
        tokens = torch.arange(count, device=model.device)[None]
        decoder = {}
        if model.config.is_encoder_decoder:
            start = [[model.config.decoder_start_token_id]]
            decoder["decoder_input_ids"] = tokens.new_tensor(start)
        logits = model(input_ids=tokens, **decoder).logits
        if not masked:
            padding = tokenizer.pad_token_id
            # Two at a time, and read as a tensor, as in scoring.
            model.generate(
                tokens.repeat(2, 1), max_new_tokens=1, do_sample=False, pad_token_id=padding
            ).tolist()
    if not logits.isfinite().all():
        raise UserError(
            f"{directory}: the model gives logits that are not finite numbers; its weights are "
            "broken (training diverged?), or its config.json is not theirs."
        )


def identifying_files(directory: Path) -> dict[str, str]:
    """sha256 of the files besides the weights that scores may depend on, by name.

    Manifests and what was kept of earlier scores are no part of a model.
    """
    files = [*directory.glob("*"), *directory.glob(f"{CHAT_TEMPLATES}/*")]
    return {
        str(path.relative_to(directory)): file_entry(path)["sha256"]
        for path in sorted(files)
        if path.is_file() and (path.name == METHOD_STATE or _may_be_read(path.name))
    }


def identity_of_adapter(adapter: Path) -> dict[str, str]:
    """sha256 by name of an adapter's files that scores may depend on."""
    return {
        **identifying_files(adapter),
        ADAPTER_WEIGHTS: file_entry(adapter / ADAPTER_WEIGHTS)["sha256"],
    }


def _may_be_read(name: str) -> bool:
    return not (
        name.startswith(".")
        or name.lower().endswith((*WEIGHTS, *DOCUMENTS))
        or name in MANIFEST.values()
        or KEPT_SCORES.search(name)
    )
