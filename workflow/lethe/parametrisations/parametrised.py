"""How a stage's parameters are trained: what `training/stage.py` calls, by kind.

A parametrisation changes which parameters a network has and which of them are trained; the method's
loss and hooks see the same network, whose `named_parameters` that require a gradient are trained.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from lethe.parametrisations import bottleneck, composed, frozen, lora


class Parametrisation:
    """All of a model's weights, and the base of the other kinds.

    Attributes:
        kind: `full`, `lora`, `frozen` or `adapters`.
        settings: the kind's settings as in a stage's spec, without the kind.
    """

    kind = "full"
    mark = ""
    """What the names of its own parameters hold; empty if it has none."""

    def __init__(self, settings: dict[str, Any] | None = None):
        self.settings = dict(settings or {})

    def apply(self, model: nn.Module, seed: int) -> nn.Module:
        """The network, changed in place, whose trained parameters require a gradient.

        Args:
            seed: of whatever is drawn.
        """
        return model

    def start(self, parent: Path, seed: int) -> nn.Module:
        """The network with which a stage begins, from the folder of its parent."""
        return self.apply(composed.load_checkpoint(parent), seed)

    def save(self, model: nn.Module, directory: Path, carrier: Path, dtype: str) -> list[str]:
        """Write what was trained, if the checkpoint is not the whole network; names of the files.

        Args:
            carrier: folder of the network that the checkpoint is on, as `carrier_of` finds it.
            dtype: to which numbers are rounded.
        """
        raise NotImplementedError

    def added(self, model: nn.Module) -> int:
        """How many parameters of a network are the parametrisation's own."""
        return sum(
            parameter.numel()
            for name, parameter in model.named_parameters()
            if self.mark and self.mark in name
        )

    @property
    def is_whole(self) -> bool:
        """Whether a checkpoint is the whole network."""
        return self.kind in ("full", "frozen")


class Frozen(Parametrisation):
    """Embeddings or bottom layers stay as they are."""

    kind = "frozen"

    def apply(self, model: nn.Module, seed: int) -> nn.Module:
        return frozen.freeze(model, self.settings)


class Lora(Parametrisation):
    """LoRA by PEFT."""

    kind = "lora"
    mark = ".lora_"

    def apply(self, model: nn.Module, seed: int) -> nn.Module:
        return lora.put_on(model, self.settings, seed)

    def start(self, parent: Path, seed: int) -> nn.Module:
        chain = composed.adapters_before(parent, self.settings | {"kind": self.kind})
        if not chain or self.settings["chain"] == "fresh":
            return super().start(parent, seed)
        model = composed.load_carrier(chain[0])
        if self.settings["chain"] == "same":
            model = self.apply(model, seed)
            lora.load_into(model, parent)
            return model
        for number, directory in enumerate(chain, start=1):
            name = f"stage{number}"
            lora.load_into(lora.put_on(model, self.settings, seed, name), directory, name)
        return self.apply(model, seed)

    def save(self, model: nn.Module, directory: Path, carrier: Path, dtype: str) -> list[str]:
        base = composed.path_between(directory, carrier)
        return lora.save(model, directory, base, _rounding(dtype))


class Adapters(Parametrisation):
    """Bottleneck adapters, which every stage trains further."""

    kind = "adapters"
    mark = f".{bottleneck.NAME}."

    def apply(self, model: nn.Module, seed: int) -> nn.Module:
        return bottleneck.put_on(model, self.settings, seed)

    def start(self, parent: Path, seed: int) -> nn.Module:
        chain = composed.adapters_before(parent, self.settings | {"kind": self.kind})
        if not chain:
            return super().start(parent, seed)
        model = self.apply(composed.load_carrier(parent), seed)
        bottleneck.load_into(model, parent)
        return model

    def save(self, model: nn.Module, directory: Path, carrier: Path, dtype: str) -> list[str]:
        return bottleneck.save(model, directory, _rounding(dtype))


def _rounding(dtype: str) -> torch.dtype | None:
    return None if dtype == "float32" else getattr(torch, dtype)


KINDS = {kind.kind: kind for kind in (Parametrisation, Lora, Frozen, Adapters)}


def parametrisation_of(spec: dict[str, Any] | None) -> Parametrisation:
    """That of a stage's spec: {kind, settings...}; full for None."""
    settings = dict(spec or {"kind": "full"})
    return KINDS[settings.pop("kind")](settings)


def parametrised(model: nn.Module, spec: dict[str, Any] | None, seed: int) -> nn.Module:
    """A network that is trained so, from the start: as a chain's first stage has it."""
    return parametrisation_of(spec).apply(model, seed)
