"""The weight files of a checkpoint: their names, whether they are complete, and their digest.

Reads headers only, and imports nothing heavy.
"""

import json
import struct
from pathlib import Path

from lethe.artefacts.files import digest, read_json
from lethe.errors import UserError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# What a method keeps beside the weights is in safetensors too.
METHOD_PREFIX = "method_"


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
    shards = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(shards, dict) or not shards:
        raise UserError(f"{index}: expected an index of shards (`weight_map`), found none.")
    names = sorted({str(name) for name in shards.values()})
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise UserError(f"{index}: expected names of *.safetensors files, found {name!r}.")
    return names


def check_whole(file: Path) -> None:
    """Raise UserError unless a safetensors file is as long as its header says."""
    size = file.stat().st_size
    try:
        with open(file, "rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > size:
                raise ValueError
            header = json.loads(handle.read(length))
        ends = [value["data_offsets"][1] for key, value in header.items() if key != "__metadata__"]
    except (ValueError, struct.error, KeyError, TypeError):
        raise UserError(f"{file} is not a safetensors file, or its header is truncated.") from None
    wanted = 8 + length + max(ends, default=0)
    if size != wanted:
        raise UserError(f"{file} is truncated or altered: expected {wanted} bytes, found {size}.")


def weights_digest(manifest: dict) -> str:
    """Hex digest of the weights that a checkpoint's manifest lists.

    For a single file it is that file's sha256; for shards, a digest of theirs by name.

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
    return shards[SINGLE] if SINGLE in shards else digest(shards)
