"""What the folder of a PEFT adapter says before any job, and whether it fits a base: nothing heavy.

An adapter comes from anywhere, as a checkpoint does: its configuration may name code, and its
weights may be pickled. Neither is followed.
"""

import os
import re
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json, read_object
from lethe.artefacts.local_files import file_digest
from lethe.errors import UserError, shown
from lethe.models.import_folder import ADAPTER, LARGEST_FILE
from lethe.models.weights import INDEX, SINGLE, shapes_of, weight_files, weight_shapes

WEIGHTS = "adapter_model.safetensors"
KINDS = ("LORA", "ADALORA", "IA3", "LOHA", "LOKR", "OFT", "LN_TUNING", "TRAINABLE_TOKENS")
"""Kinds that can be merged into the weights, and that the tests hold to PEFT's attached model."""
IGNORED = {"auto_mapping", "megatron_core", "peft_version", "inference_mode", "runtime_config"}
"""Keys that name code, or that change nothing once the adapter is trained."""
REFUSED = ("alora_invocation_tokens", "arrow_config", "kasa_config", "layer_replication")
REFUSED += ("megatron_config", "monteclora_config", "use_bdlora", "use_qalora", "velora_config")
"""Keys of variants that cannot be merged, or that change the model's layers."""
STARTS = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Starts of `init_lora_weights` that also changed the weights of the base."""
RANK = 8
"""PEFT's rank of LoRA where a configuration names none."""
PREFIX = "base_model.model."
"""Of all names in an adapter's weights; the rest is the name of a module, and what PEFT adds."""
LORA = re.compile(r"(?P<module>.+)\.lora_(embedding_)?(?P<part>[AB])(\.weight)?")
LAYER = re.compile(r"\.\d+\.")


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter, and no whole model beside it."""
    whole = any((folder / name).is_file() for name in (SINGLE, INDEX))
    return (folder / ADAPTER).is_file() and not whole


def read_adapter(folder: Path) -> dict[str, Any]:
    """The configuration of an adapter, without what leads to code.

    Raises:
        UserError: it is none, its weights are pickled, damaged or missing, or it is of a kind that
            cannot be merged.
    """
    path = folder / ADAPTER
    if path.stat().st_size > LARGEST_FILE:
        raise UserError(f"{path}: expected at most {LARGEST_FILE} bytes, found a larger file.")
    config = read_json(path)
    if not isinstance(config, dict) or not isinstance(config.get("peft_type"), str):
        raise UserError(f"{path}: expected the configuration of an adapter (`peft_type`).")
    if config["peft_type"] not in KINDS:
        raise UserError(
            f"{path}: an adapter of kind {shown(config['peft_type'])} cannot be merged into the "
            f"weights, so it cannot be scored here; the kinds are {', '.join(KINDS)}."
        )
    for key in REFUSED:
        if config.get(key) not in (None, False, [], {}):
            raise UserError(f"{path}: an adapter with `{key}` cannot be merged, nor scored here.")
    _require_own_base(path, config.get("init_lora_weights"))
    _require_weights(folder)
    _require_rank(folder, config)
    return {key: value for key, value in config.items() if key not in IGNORED}


def named_base(folder: Path) -> tuple[str, str | None]:
    """The base that an adapter's configuration names, and its revision if it names one.

    Raises:
        UserError: it names none.
    """
    config = read_adapter(folder)
    name, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not isinstance(name, str) or not name:
        raise UserError(
            f"{folder / ADAPTER}: expected `base_model_name_or_path`, the model that the adapter "
            "belongs to, found none; name it with --base."
        )
    return name, revision if isinstance(revision, str) else None


def local_base(folder: Path, name: str) -> Path | None:
    """The folder that the name of an adapter's base stands for, if it is here.

    It may be named from the adapter's folder, or from where it was trained.
    """
    for place in (Path(name), folder / name):
        if os.path.isdir(place):  # unlike Path's, it takes any text
            return place
    return None


def require_base(folder: Path, base: Path, is_trained_on: bool = True) -> None:
    """Hold an adapter against the base that it is to be merged onto, by their small files.

    Args:
        base: folder of a whole model.
        is_trained_on: the adapter was trained on this very model; else on one of its shapes.

    Raises:
        UserError: as `read_adapter`; the base has no place of the right shape for a matrix of the
            adapter; or the base that the adapter names is here, and has other weights.
    """
    config = read_adapter(folder)
    name = config.get("base_model_name_or_path")
    require_matrices_fit(folder, base)
    named = local_base(folder, name) if isinstance(name, str) and name else None
    if not is_trained_on or named is None or named.resolve() == base.resolve():
        return
    if is_adapter(named) or _weights_of(named) != _weights_of(base):
        raise UserError(
            f"{folder}: its base is {name} by {ADAPTER}, whose weights are not those of {base}; "
            "name that base, or correct `base_model_name_or_path` if it is the same model."
        )


def unknown_base(folder: Path, base: Path) -> str | None:
    """A sentence if nothing here says that `base` is the model that an adapter was trained on."""
    name = read_adapter(folder).get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        return f"{ADAPTER} names no base; the shapes fit, and no more can be known."
    config = read_object(base / "config.json")
    place = base.resolve().parts
    known = local_base(folder, name) is not None or config.get("_name_or_path") == name
    known |= tuple(name.split("/")) == place[-2:] or f"models--{name.replace('/', '--')}" in place
    if known:
        return None
    return (
        f"{ADAPTER} names {shown(name)} as its base, which is not here; the shapes fit those of "
        f"{base}, and no more can be known."
    )


def tokenizer_folder(folder: Path, adapter: Path | None) -> Path:
    """The folder whose tokenizer a model reads with: the adapter's, if it has one."""
    names = ("tokenizer.json", "tokenizer_config.json")
    if adapter is not None and all((adapter / name).is_file() for name in names):
        return adapter
    return folder


def _weights_of(folder: Path) -> set[str]:
    return {file_digest(str(folder / name), str(folder)) for name in weight_files(folder)}


def require_matrices_fit(folder: Path, base: Path) -> None:
    """Refuse matrices of LoRA without a place in the base, as far as the names of files tell.

    A file may name a matrix with or without the prefix of its network, and it lacks tied matrices.

    Raises:
        UserError: a matrix has no place, or one of another shape.
    """
    places = _by_ends(weight_shapes(base))
    modules = _lora_modules(shapes_of(folder / WEIGHTS))
    found = {name: _place(places, f"{name}.weight") for name in modules}
    lacking = [name for name, shape in found.items() if shape is None]
    if lacking and (len(lacking) == len(found) or any(map(LAYER.search, lacking))):
        first = next(filter(LAYER.search, lacking), lacking[0])
        raise UserError(
            f"{folder}: it changes {first}, and {base} has no such matrix; it was trained on "
            "another base: name that one."
        )
    for name, shape in found.items():
        if shape is not None and len(shape) == 2 and sorted(shape) != sorted(modules[name]):
            raise UserError(
                f"{folder}: it changes {name} with shape {list(modules[name])}, in {base} that "
                f"has {list(shape)}; it was trained on another base: name that one."
            )


def _lora_modules(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of every module that has both matrices of LoRA: A (r, in), B (out, r)."""
    parts: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        match = LORA.fullmatch(name.removeprefix(PREFIX))
        if match and len(shape) == 2:
            parts.setdefault(match["module"], {})[match["part"]] = shape
    return {name: (ab["B"][0], ab["A"][1]) for name, ab in parts.items() if len(ab) == 2}


def _by_ends(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Shapes by every end of a name that begins at a dot, whole names first."""
    ends: dict[str, tuple[int, ...]] = dict(shapes)
    for name, shape in shapes.items():
        for end in _ends(name):
            ends.setdefault(end, shape)
    return ends


def _ends(name: str) -> list[str]:
    """The name without leading words, down to the number of its layer."""
    parts = name.split(".")
    layer = next((place for place, part in enumerate(parts) if part.isdigit()), len(parts) - 2)
    return [".".join(parts[start:]) for start in range(1, layer + 1)]


def _place(places: dict[str, tuple[int, ...]], name: str) -> tuple[int, ...] | None:
    return next((places[end] for end in (name, *_ends(name)) if end in places), None)


def _require_own_base(path: Path, start: Any) -> None:
    if isinstance(start, str) and start.lower().startswith(STARTS):
        raise UserError(
            f"{path}: the adapter began by changing its base (`init_lora_weights: {start}`), so it "
            "fits no base that is here; save it again with PEFT's "
            "`path_initial_model_for_weight_conversion`."
        )


def _require_rank(folder: Path, config: dict[str, Any]) -> None:
    """Refuse a rank of LoRA that is none, or that is not that of the weights."""
    rank = config.get("r", RANK)
    if config["peft_type"] != "LORA":
        return
    if type(rank) is not int or rank < 1:
        raise UserError(
            f"{folder / ADAPTER}: `r`: expected a whole number above 0, found {shown(rank)}."
        )
    alpha = config.get("lora_alpha", 1)
    if isinstance(alpha, bool) or not isinstance(alpha, int | float):
        raise UserError(
            f"{folder / ADAPTER}: `lora_alpha`: expected a number, found {shown(alpha)}."
        )
    # Some ranks are other ones, or stand side by side for several experts.
    if config.get("rank_pattern") or config.get("target_parameters"):
        return
    for name, shape in shapes_of(folder / WEIGHTS).items():
        match = LORA.fullmatch(name.removeprefix(PREFIX))
        if match and match["part"] == "A" and len(shape) == 2 and shape[0] != rank:
            raise UserError(
                f"{folder / ADAPTER}: `r` is {shown(rank)}, and in {WEIGHTS} the rank of "
                f"{match['module']} is {shape[0]}; correct the one that is wrong."
            )


def _require_weights(folder: Path) -> None:
    if (folder / WEIGHTS).is_file():
        shapes_of(folder / WEIGHTS)
        return
    pickled = sorted(folder.glob("*.bin"))
    found = f"only pickled weights ({pickled[0].name})" if pickled else "none"
    raise UserError(
        f"Expected {WEIGHTS} in {folder}, found {found}; pickled weights are never read: load the "
        "adapter with PEFT and save it again (`save_pretrained`)."
    )
