"""The weight files of a checkpoint: names, shapes, whether they are whole, and their digest.

Reads headers only, and imports nothing heavy.
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from lethe.artefacts import strict_json
from lethe.artefacts.files import digest, read_json
from lethe.errors import UserError, shown

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# What a method keeps beside the weights is in safetensors too.
METHOD_PREFIX = "method_"
METADATA = "__metadata__"
CARRIER = "carrier_weights"
"""Key in the manifest of an adapter: digest of the weights of the model that it is on."""
LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
ITEM_BYTES |= {"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
"""Bytes of a number by its type; whole numbers are for buffers, and F8 and F4 are not read."""
FLOATS = {"F64", "F32", "F16", "BF16"}
LOADED_AS = {"F16": "float16", "BF16": "bfloat16"}
"""The dtype in which a model keeps its numbers, if not float32."""


def weight_files(directory: Path) -> list[str]:
    """Names of the files that hold a checkpoint's weights: one file, or the shards of its index.

    A single file takes precedence over an index, as in transformers.

    Raises:
        UserError: no weights, only pickled ones, or a shard that the index names is missing.
    """
    if (directory / SINGLE).is_file():
        return [SINGLE]
    if not (directory / INDEX).is_file():
        pickled = sorted([*directory.glob("*.bin"), *directory.glob("*.pt")])
        found = f"only pickled weights ({pickled[0].name})" if pickled else "no weights"
        raise UserError(
            f"Expected *.safetensors weights in {directory}, found {found}; "
            "convert the checkpoint to safetensors first."
        )
    shards = shard_names(directory / INDEX)
    for name in shards:
        if not (directory / name).is_file():
            raise UserError(f"{directory}: the shard {name} that {INDEX} names is missing.")
    return shards


def shard_names(index: Path) -> list[str]:
    """The files that an index of sharded weights names.

    Raises:
        UserError: the file is not such an index, or it names a file outside its folder.
    """
    content = read_json(index)
    content = content if isinstance(content, dict) else {}
    shards = content.get("weight_map")
    if not isinstance(shards, dict) or not shards or not isinstance(content.get("metadata"), dict):
        raise UserError(
            f"{index}: expected an index of shards (`weight_map`, `metadata`), found none."
        )
    names = sorted({str(name) for name in shards.values()})
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise UserError(f"{index}: expected names of *.safetensors files, found {name!r}.")
    return names


def weight_shapes(directory: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name of all tensors of a checkpoint, from the headers of its weight files.

    Raises:
        UserError: as `weight_files` and `shapes_of`, or a tensor is in two shards.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for name in weight_files(directory):
        found = shapes_of(directory / name)
        if twice := sorted(shapes.keys() & found.keys()):
            raise UserError(
                f"{directory / name}: expected each tensor in one shard, found {twice[0]} in "
                "another one too; write the shards again."
            )
        shapes |= found
    return shapes


def stored_dtype(directory: Path) -> str:
    """The dtype of most numbers of a checkpoint: float32, bfloat16 or float16.

    Raises:
        UserError: as `weight_files`.
    """
    numbers: dict[str, int] = {}
    for name in weight_files(directory):
        for key, entry in _header(directory / name)[0].items():
            if key != METADATA:
                dtype = LOADED_AS.get(entry["dtype"], "float32")
                numbers[dtype] = numbers.get(dtype, 0) + prod(entry["shape"])
    return max(numbers, key=numbers.__getitem__, default="float32")


def shapes_of(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name of the tensors in a safetensors file, which is held against its header.

    The tensors must fill the file without gaps and in order, each with as many bytes as its shape
    and type need (https://github.com/huggingface/safetensors, "Format").

    Raises:
        UserError: the file is truncated, altered, or not in this format.
    """
    header, begin = _header(file)
    tensors = [_tensor(file, name, entry) for name, entry in header.items() if name != METADATA]
    filled = 0
    for tensor in sorted(tensors, key=lambda tensor: tensor.offsets):
        first, end = tensor.offsets
        if first != filled or end - first != prod(tensor.shape) * tensor.item_bytes:
            raise _damaged(file, f"the place of {shown(tensor.name)} does not fit its shape")
        filled = end
    size = file.stat().st_size
    if size != begin + filled:
        raise UserError(
            f"{file} is truncated or altered: expected {begin + filled} bytes, found {size}."
        )
    return {tensor.name: tensor.shape for tensor in tensors}


@dataclass(frozen=True)
class _Tensor:
    """One entry of a header; the offsets count from the end of the header, in bytes."""

    name: str
    item_bytes: int
    shape: tuple[int, ...]
    offsets: tuple[int, int]


def _header(file: Path) -> tuple[dict, int]:
    """The header of a safetensors file, and the byte at which the tensors begin."""
    try:
        with open(file, "rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > min(file.stat().st_size, LONGEST_HEADER):
                raise ValueError
            header = strict_json.loads(handle.read(length).decode("utf-8"))
    except (ValueError, struct.error):
        raise UserError(f"{file} is not a safetensors file, or its header is truncated.") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}).") from None
    if not isinstance(header, dict):
        raise _damaged(file, f"expected a table of tensors, found {shown(header)}")
    return header, 8 + length


def _tensor(file: Path, name: str, entry: Any) -> _Tensor:
    entry = entry if isinstance(entry, dict) else {}
    kind, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(kind, str) or kind not in ITEM_BYTES:
        raise _damaged(file, f"{shown(name)} has the unknown type {shown(kind)}")
    if name.endswith(".weight") and kind not in FLOATS:
        raise _damaged(file, f"{shown(name)} holds whole numbers ({kind})")
    if not _whole_numbers(shape):
        raise _damaged(file, f"{shown(name)} has the shape {shown(shape)}")
    if not _whole_numbers(offsets) or len(offsets) != 2:
        raise _damaged(file, f"{shown(name)} has the place {shown(offsets)}")
    return _Tensor(name, ITEM_BYTES[kind], tuple(shape), tuple(offsets))


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _damaged(file: Path, what: str) -> UserError:
    return UserError(f"{file} has a damaged header: {what}; copy or convert the weights again.")


def weights_digest(manifest: dict) -> str:
    """Hex digest of the weights that a checkpoint's manifest lists.

    For a single file it is that file's sha256; for shards, a digest of theirs by name. An adapter's
    holds the weights of the model that it is on (`CARRIER`) too.

    Raises:
        UserError: the manifest lists no weights.
    """
    shards = {
        name: entry["sha256"]
        for name, entry in manifest["files"].items()
        if name.endswith(".safetensors") and not name.startswith(METHOD_PREFIX)
    }
    if not shards:
        raise UserError(f"{manifest.get('id', 'a checkpoint')}: its manifest lists no weights.")
    if CARRIER in manifest:
        return digest({**shards, CARRIER: manifest[CARRIER]})
    return shards[SINGLE] if SINGLE in shards else digest(shards)
