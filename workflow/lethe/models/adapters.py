"""Adapters that PEFT trained on a model: loaded, and merged into the model's weights.

What is merged is what the adapter's safetensors file holds.
"""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import dataclasses
from pathlib import Path
from typing import Any

from lethe.errors import UserError, shown
from lethe.models.adapter_folder import ADAPTER, WEIGHTS, read_adapter
from lethe.models.refusals import refused_as_sentence


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


def in_dtype(model: Any, dtype: str) -> Any:
    """The model with its parameters in a dtype, as if it had been loaded in it.

    Buffers stay: a model that is loaded in bfloat16 has its rotary frequencies in float32.
    """
    import torch

    for parameter in model.parameters():
        parameter.data = parameter.data.to(getattr(torch, dtype))
    return model


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
