"""From a GGUF file to a plain hub directory, held tensor by tensor against the file.

transformers reads the file and dequantises it. Whether it put every tensor where it belongs is then
checked with the `gguf` package, which has numbers and names of its own.
"""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lethe.artefacts.files import sha256_file
from lethe.errors import UserError
from lethe.models.as_loaded import require_finite
from lethe.models.machine_memory import require_memory
from lethe.models.refusals import refused_as_sentence
from lethe.models.saving import save_model

MAGIC = b"GGUF"
BYTES = 9
"""Memory of a conversion, bytes a parameter: the weights twice in float32, and what is read."""
OF_THE_FILE = ("quantization_config", "_model_name_or_path")
"""What a configuration says of the file, and no longer of the model."""
INTERLEAVED = ("attn_q", "attn_k")
"""Matrices whose rows GGUF keeps in another order for architecture `llama`."""


def convert_gguf(path: Path, folder: Path) -> dict[str, Any]:
    """Write the model in a GGUF file as float32 safetensors, with configuration and tokenizer.

    The same file gives the same weights, byte by byte.

    Args:
        folder: gets the files, each whole or not at all.

    Returns:
        `files`: names of the files written; `tensors` of the GGUF file, all compared; `parameters`,
        tied ones counted once; `sha256` of model.safetensors.

    Raises:
        UserError: no whole GGUF file, an architecture that transformers does not read as a decoder,
            a tensor or token that is not as in the file, or too little memory.
    """
    reader = _opened(path)
    count = sum(int(tensor.n_elements) for tensor in reader.tensors)
    require_memory(BYTES * count, f"Converting {path.name}")
    model, tokenizer = _loaded(path)
    _require_same_positions(reader, model, path)
    tensors = _require_same_tensors(reader, model, path)
    require_finite(model, path)
    _require_same_tokens(reader, tokenizer, path)
    files = save_model(model, tokenizer, folder)
    return {
        "files": files,
        "tensors": tensors,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "sha256": sha256_file(folder / "model.safetensors"),
    }


def _opened(path: Path) -> Any:
    """The reader of a file that begins as a GGUF file does."""
    if not path.is_file():
        raise UserError(f"Expected a GGUF file at {path}, found none.")
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise UserError(f"{path}: expected a GGUF file, found one that does not begin as such.")
    try:
        from gguf import GGUFReader
    except ImportError:
        raise UserError(
            "GGUF files are read with the package `gguf`, which is missing; install it at the "
            "version of envs/requirements.txt."
        ) from None
    try:
        return GGUFReader(path)
    except Exception:  # whatever NumPy raises of a file that is shorter than its header says
        raise UserError(
            f"{path}: this GGUF file ends too early or is damaged; copy or fetch it again."
        ) from None


def _loaded(path: Path) -> tuple[Any, Any]:
    """(model, tokenizer) as transformers reads them out of a GGUF file, as unquantised ones."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # Alone in a folder, so that no other file beside it is read.
    with tempfile.TemporaryDirectory() as alone:
        (Path(alone) / "model.gguf").symlink_to(path.resolve())
        given: dict[str, Any] = {"gguf_file": "model.gguf", "local_files_only": True}
        given["trust_remote_code"] = False
        what = f"{path}: transformers cannot make a decoder of it"
        with refused_as_sentence(what, "convert it with other tools and `import` the folder"):
            model = AutoModelForCausalLM.from_pretrained(alone, dtype=torch.float32, **given)
            tokenizer = AutoTokenizer.from_pretrained(alone, **given)
    # The weights are plain numbers now; transformers would still refuse to save or to load them.
    model.hf_quantizer = None
    for name in OF_THE_FILE:
        if hasattr(model.config, name):
            delattr(model.config, name)
    return model, tokenizer


def _require_same_positions(reader: Any, model: Any, path: Path) -> None:
    """Refuse stretched positions, which are numbers of the header and show in no tensor."""
    field = reader.get_field(f"{_text(reader, 'general.architecture')}.rope.scaling.type")
    stretched = "none" if field is None else str(field.contents())
    made = (getattr(model.config, "rope_parameters", None) or {}).get("rope_type", "default")
    if stretched != "none" and made == "default":
        raise UserError(
            f"{path}: its positions are stretched ({stretched}), which transformers leaves out of "
            "what it makes of a GGUF file; convert it with other tools and `import` the folder."
        )


def _require_same_tensors(reader: Any, model: Any, path: Path) -> int:
    """Refuse a model with a weight that is not the file's; return the number of the file's tensors.

    Raises:
        UserError: a tensor of either that the other does not have, or that differs.
    """
    from gguf.quants import dequantize

    in_file = {tensor.name: tensor for tensor in reader.tensors}
    compared, left = set(), set(in_file)
    for name, named, weight in _weights(reader, model):
        if named not in in_file:
            # A tied output layer has no tensor of its own.
            if weight.data_ptr() in compared:
                continue
            raise UserError(
                f"{path}: expected a tensor for {name} of the model, found none ({named}); the "
                "file is one part of several, or of another kind of model."
            )
        compared.add(weight.data_ptr())
        left.discard(named)
        tensor = in_file[named]
        expected = dequantize(tensor.data, tensor.tensor_type)
        if _is_interleaved(reader, named):
            expected = _in_halves(expected, model.config)
        if not np.array_equal(expected, weight.detach().numpy()):
            raise UserError(
                f"{path}: the model that transformers made of it has another {name} than its "
                f"tensor {named}; convert it with other tools and `import` the folder."
            )
    if left:
        raise UserError(
            f"{path}: its tensor {min(left)} has no place in the model that transformers "
            "makes of it; convert it with other tools and `import` the folder."
        )
    return len(in_file)


def _weights(reader: Any, model: Any) -> Iterator[tuple[str, str, Any]]:
    """(name, name in GGUF, weight) of every weight; a tied one after the one that it is tied to."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    architecture = _text(reader, "general.architecture")
    known = {name: number for number, name in MODEL_ARCH_NAMES.items()}
    blocks = int(_value(reader, f"{architecture}.block_count"))
    names = get_tensor_name_map(known[architecture], blocks)
    for name, weight in model.state_dict().items():
        stem, _, kind = name.rpartition(".")
        yield name, f"{names.get_name(stem) or stem}.{kind}", weight


def _is_interleaved(reader: Any, name: str) -> bool:
    is_llama = _text(reader, "general.architecture") == "llama"
    return is_llama and any(f".{part}." in name for part in INTERLEAVED)


def _in_halves(rows: np.ndarray, config: Any) -> np.ndarray:
    """Rows of a head in the order of transformers: both halves of a rotation after one another.

    GGUF keeps the two rows of each rotated pair beside one another.

    rows: (heads * size of a head, ...).
    """
    size = config.head_dim
    pairs = rows.reshape(rows.shape[0] // size, size // 2, 2, *rows.shape[1:])
    return np.moveaxis(pairs, 2, 1).reshape(rows.shape)


def _require_same_tokens(reader: Any, tokenizer: Any, path: Path) -> None:
    """Refuse a tokenizer whose tokens are not those of the file, in the file's order."""
    field = reader.get_field("tokenizer.ggml.tokens")
    tokens = [] if field is None else field.contents()
    found = tokenizer.convert_ids_to_tokens(list(range(len(tokens))))
    if not tokens or tokens != found or len(tokenizer) != len(tokens):
        differ = [n for n, pair in enumerate(zip(tokens, found, strict=True)) if len({*pair}) > 1]
        raise UserError(
            f"{path}: expected a tokenizer with the {len(tokens)} tokens of the file, found one "
            f"of {len(tokenizer)}{f' that differs from token {differ[0]} on' if differ else ''}; "
            "convert it with other tools and `import` the folder."
        )


def _text(reader: Any, key: str) -> str:
    return str(_value(reader, key))


def _value(reader: Any, key: str) -> Any:
    """A value of the file's header; KeyError if it has none of this name."""
    field = reader.get_field(key)
    if field is None:
        raise KeyError(key)
    return field.contents()
