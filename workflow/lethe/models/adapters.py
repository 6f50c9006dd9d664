"""Adapters that PEFT trained on a model: judged, loaded and merged into the model's weights.

An adapter comes from anywhere, as a checkpoint does: its configuration may name code, and its
weights may be pickled. Neither is followed; what is merged is what its safetensors file holds.
"""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import dataclasses
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.errors import UserError, shown
from lethe.models.checkpoint_files import ADAPTER, LARGEST_FILE
from lethe.models.refusals import refused_as_sentence
from lethe.models.weights import INDEX, SINGLE, shapes_of

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


def merge_adapter(model: Any, folder: Path) -> Any:
    """The model with an adapter's change in its weights, in the dtype of the model.

    Two matrices that were one (tied embeddings) become two if the adapter changes only one of
    them, as they do for PEFT's attached adapter.

    Raises:
        UserError: as `read_adapter`, or the adapter does not fit the model.
    """
    config = read_adapter(folder)
    with refused_as_sentence(f"{folder}: the adapter cannot be put on its base"):
        from peft import PeftModel, set_peft_model_state_dict
        from safetensors.torch import load_file

        settings = _settings(folder, config)
        attached = PeftModel(model, settings, low_cpu_mem_usage=True)
        _part_tied(model)
        report = set_peft_model_state_dict(
            attached, load_file(folder / WEIGHTS), low_cpu_mem_usage=True
        )
        if unknown := sorted(report.unexpected_keys):
            raise UserError(
                f"{folder}: its base has no place for its weights {unknown[0]} and "
                f"{len(unknown) - 1} more; give the base that it was trained on with --base."
            )
        empty = sorted(n for n, tensor in attached.state_dict().items() if tensor.is_meta)
        if empty:
            raise UserError(f"{folder}: its weights lack {empty[0]} and {len(empty) - 1} more.")
        merged = attached.merge_and_unload(safe_merge=False)
    _forget_parted(merged)
    return merged.requires_grad_(False)


def _settings(folder: Path, config: dict[str, Any]) -> Any:
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    kind = PEFT_TYPE_TO_CONFIG_MAPPING[config["peft_type"]]
    known = {field.name for field in dataclasses.fields(kind)}
    for key in sorted(config.keys() - known):
        if config[key] not in (None, False, [], {}):
            raise UserError(
                f"{folder / ADAPTER}: the key `{key}` is not known to this version of PEFT, found "
                f"{shown(config[key])}; update PEFT, so that the adapter is not scored without it."
            )
    # The weights are read from the file: nothing is to be drawn, least of all from the base.
    drawn = {"init_lora_weights": True} if "init_lora_weights" in known else {}
    kept = {key: config[key] for key in config.keys() & known} | drawn
    return kind(**{**kept, "inference_mode": True})


def _part_tied(model: Any) -> None:
    """Give every matrix that the adapter is on, and that another module shares, its own copy."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from torch.nn import Parameter

    places: dict[int, int] = {}
    for module in model.modules():
        for weight in module._parameters.values():
            if weight is not None:
                places[id(weight)] = places.get(id(weight), 0) + 1
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            own = module.get_base_layer()
            for name, weight in own._parameters.items():
                if weight is not None and places[id(weight)] > 1:
                    own._parameters[name] = Parameter(weight.detach().clone(), requires_grad=False)


def _forget_parted(model: Any) -> None:
    """Take pairs that are two matrices now off the list that `tie_weights` goes by."""
    pairs = getattr(model, "all_tied_weights_keys", None)
    for one, other in list((pairs or {}).items()):
        if model.get_parameter_or_buffer(one) is not model.get_parameter_or_buffer(other):
            del pairs[one]


def _require_own_base(path: Path, start: Any) -> None:
    if isinstance(start, str) and start.lower().startswith(STARTS):
        raise UserError(
            f"{path}: the adapter began by changing its base (`init_lora_weights: {start}`), so it "
            "fits no base that is here; save it again with PEFT's "
            "`path_initial_model_for_weight_conversion`."
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
