"""LoRA by PEFT, put into a network in place: its class, configuration and heads stay as they are.

Hu et al. 2021, "LoRA: Low-rank adaptation of large language models", Eq. 3: W x + s B A x, where A
is drawn and B is zero at first. The adapter in training is called `default`, as PEFT calls it; with
one adapter a task, those of earlier stages are called `stage1`, `stage2`, ...
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lethe.artefacts.files import atomic_path, write_json
from lethe.errors import UserError
from lethe.models.adapters import WEIGHTS
from lethe.models.checkpoint_files import ADAPTER
from lethe.models.saving import rounded
from lethe.parameters.families import family_of_classes
from lethe.parametrisations.mistakes import ALL, is_named, no_such_target, rank_too_large

TRAINED = "default"
PREFIX = "base_model.model."
"""What PEFT's files put before the name of every tensor."""
TASKS = {"causal": "CAUSAL_LM", "seq2seq": "SEQ_2_SEQ_LM", "masked": None}


@dataclass(frozen=True)
class Factors:
    """One adapter at one place: `scale` times up @ down is added to a module's weight.

    place: name of the module. adapter: its name, `default` for the one in training.
    down: A, [rank, in]. up: B, [out, rank].
    """

    place: str
    adapter: str
    down: nn.Parameter
    up: nn.Parameter
    scale: float


def put_on(model: nn.Module, settings: dict[str, Any], seed: int, name: str = TRAINED) -> nn.Module:
    """The same network with one more adapter; only that one is trained, and all are added.

    A is drawn by PEFT's own rule, from the seed alone and on the CPU.

    Raises:
        UserError: a target names no module that can have an adapter, or the rank is above a
            module's smaller dimension.
    """
    from peft import inject_adapter_in_model

    require_places(places(model, settings["targets"]), settings["rank"])
    earlier = vars(model).pop("peft_config", {})
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        inject_adapter_in_model(_configuration(model, settings), model, name)
    model.peft_config = {**earlier, **model.peft_config}
    names = list(model.peft_config)
    for layer in _layers(model).values():
        layer.set_adapter(names)
    for parameter_name, parameter in model.named_parameters():
        parameter.requires_grad_(_is_of(parameter_name, name))
    return model


def places(model: nn.Module, targets: str | list[str]) -> dict[str, nn.Module]:
    """The modules that targets name, by name.

    Raises:
        UserError: a target names none.
    """
    fitting = {n: module for n, module in _outer_modules(model) if _can_be_adapted(module)}
    if targets == ALL:
        output = model.get_output_embeddings()
        linear = {n: m for n, m in fitting.items() if not isinstance(m, nn.Embedding)}
        return {name: module for name, module in linear.items() if module is not output}
    chosen = {}
    for target in targets:
        named = {name: module for name, module in fitting.items() if is_named(name, target)}
        if not named:
            raise no_such_target(target, fitting)
        chosen |= named
    return chosen


def _outer_modules(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Modules by name, without those within an adapter that is already on the network."""
    within = tuple(f"{name}." for name in _layers(model))
    return [(name, m) for name, m in model.named_modules() if not name.startswith(within)]


def require_places(modules: dict[str, nn.Module], rank: int) -> None:
    """Refuse a rank above the smaller dimension of a module's weight."""
    for name, module in modules.items():
        smaller = min(module.weight.shape)
        if rank > smaller:
            raise rank_too_large(rank, smaller, name)


def _can_be_adapted(module: nn.Module) -> bool:
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, nn.Linear | nn.Embedding | Conv1D) or hasattr(module, "lora_A")


def _configuration(model: nn.Module, settings: dict[str, Any]):
    from peft import LoraConfig

    family = family_of_classes([type(model).__name__], model.config.is_encoder_decoder)
    return LoraConfig(
        task_type=TASKS[family],
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules=sorted(_last_words(places(model, settings["targets"]), model)),
        use_rslora=settings["rslora"],
        use_dora=settings["dora"],
        bias="none",
    )


def _last_words(chosen: dict[str, nn.Module], model: nn.Module) -> list[str]:
    """The last words of the names if these name the same modules; else the whole names."""
    words = {name.rpartition(".")[2] for name in chosen}
    named = {n for n, _ in _outer_modules(model) if n.rpartition(".")[2] in words}
    return list(words) if named == chosen.keys() else list(chosen)


def _layers(model: nn.Module) -> dict[str, Any]:
    from peft.tuners.lora import LoraLayer

    return {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}


def _is_of(parameter: str, adapter: str) -> bool:
    """Whether a parameter of this name is of an adapter."""
    return ".lora_" in parameter and adapter in parameter.split(".")


def factors(model: nn.Module) -> Iterator[Factors]:
    """Every adapter on a network, place by place, in the order in which they were put on."""
    for place, layer in _layers(model).items():
        for downs, ups in (
            (layer.lora_A, layer.lora_B),
            (layer.lora_embedding_A, layer.lora_embedding_B),
        ):
            for name, down in downs.items():
                pair = (getattr(part, "weight", part) for part in (down, ups[name]))
                yield Factors(place, name, *pair, layer.scaling[name])


def save(model: nn.Module, directory: Path, base: str, round_to=None) -> list[str]:
    """Write the adapter in training in PEFT's format; return the names of the files.

    Args:
        base: path from the adapter's folder to that of the model that it is on.
        round_to: numbers are rounded to this dtype; they are kept in float32.

    Raises:
        UserError: as `rounded`.
    """
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, adapter_name=TRAINED, save_embedding_layers=False)
    state = {name: value.detach().cpu() for name, value in state.items()}
    state = rounded(state, round_to) if round_to else state
    kept = {f"{PREFIX}{name}": value.float().contiguous() for name, value in state.items()}
    with atomic_path(directory / WEIGHTS) as path:
        save_file(kept, path, metadata={"format": "pt"})
    configuration = model.peft_config[TRAINED].to_dict()
    configuration |= {
        "base_model_name_or_path": base,
        "inference_mode": True,
        # A set, whose order differs from process to process.
        "target_modules": sorted(configuration["target_modules"]),
    }
    write_json(directory / ADAPTER, configuration)
    return [ADAPTER, WEIGHTS]


def load_into(model: nn.Module, directory: Path, name: str = TRAINED) -> None:
    """Fill an adapter on a network in place with the one that a stage saved.

    Raises:
        UserError: it does not fit.
    """
    from peft import set_peft_model_state_dict

    saved = load_file(directory / WEIGHTS)
    saved = {key.removeprefix(PREFIX): value for key, value in saved.items()}
    expected = sum(_is_of(key, name) for key, _ in model.named_parameters())
    try:
        report = set_peft_model_state_dict(model, saved, adapter_name=name)
    except RuntimeError as error:
        raise _other_base(directory, str(error)) from None
    if report.unexpected_keys or len(saved) != expected:
        raise _other_base(directory, f"{len(saved)} tensors for {expected} places")


def _other_base(directory: Path, found: str) -> UserError:
    return UserError(
        f"{directory}: expected an adapter for this model, found one of another ({found}); give "
        "the parametrisation of its own chain, or train the chain from its base."
    )
