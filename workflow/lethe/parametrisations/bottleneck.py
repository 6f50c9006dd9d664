"""Bottleneck adapters on a frozen network of any family (Houlsby et al. 2019).

An adapter stands after each map back to a layer's width, of attention and of feed-forward, before
the residual sum (figure 2 there). It is a submodule of that map, called `adapter`, so the names of
all other parameters stay. Simplified: layer normalisations stay frozen.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from safetensors.torch import load_file, save_file
from torch import nn

from lethe.artefacts.files import atomic_path
from lethe.errors import UserError
from lethe.models.import_folder import BOTTLENECKS as WEIGHTS
from lethe.models.kinds import kind_of
from lethe.models.saving import rounded
from lethe.parametrisations.mistakes import no_places, require_narrow

SMALLEST_BOTTLENECK = 4  # units; a sixteenth of a tiny network's width would be a single unit
INITIAL_DEVIATION = 1e-2  # of the weights, truncated at two deviations (Houlsby et al. 2019, 3.6)
NAME = "adapter"


class Adapter(nn.Module):
    """x + W_up gelu(W_down x); nearly the identity before training.

    Args:
        width: width of the states x [..., width].
        bottleneck: units between the two maps.
    """

    def __init__(self, width: int, bottleneck: int):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)

    def forward(
        self,
        states: torch.Tensor,
        down_gate: torch.Tensor | None = None,
        up_gate: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """[..., width] -> [..., width]; gates [bottleneck] and [width] multiply the maps' units."""
        return states + self.added(states, down_gate, up_gate)

    def added(
        self,
        states: torch.Tensor,
        down_gate: torch.Tensor | None = None,
        up_gate: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The term that is added to the states, of the same shape."""
        inner = functional.gelu(self.down(states))
        inner = inner if down_gate is None else inner * down_gate.to(inner.dtype)
        added = self.up(inner)
        return added if up_gate is None else added * up_gate.to(added.dtype)


def initialise(linear: nn.Linear, generator: torch.Generator) -> None:
    """Weights near 0, so that the adapter changes the network little at first; biases 0."""
    limit = 2 * INITIAL_DEVIATION
    nn.init.trunc_normal_(linear.weight, 0.0, INITIAL_DEVIATION, -limit, limit, generator=generator)
    nn.init.zeros_(linear.bias)


def places(model: nn.Module) -> dict[str, nn.Module]:
    """The maps back to a layer's width, by name.

    Raises:
        UserError: they are not known for this type of model.
    """
    ends = kind_of(model.config.model_type).back
    if not ends:
        raise no_places(model.config.model_type)
    return {name: m for name, m in model.named_modules() if name.endswith(ends)}


def put_on(model: nn.Module, settings: dict[str, Any], seed: int) -> nn.Module:
    """The same network with an adapter at every place; only adapters are trained.

    Args:
        settings: `bottleneck` in units, or null, then by `reduction`.
        seed: of the adapters' first weights, which are drawn on the CPU.

    Raises:
        UserError: no known places, or settings that do not fit their width.
    """
    generator = torch.Generator().manual_seed(seed)
    model.requires_grad_(False)
    for place in places(model).values():
        width = place.nf if hasattr(place, "nf") else place.out_features
        require_narrow(settings, width)
        by_width = max(width // settings["reduction"], SMALLEST_BOTTLENECK)
        adapter = Adapter(width, settings["bottleneck"] or by_width)
        for linear in (adapter.down, adapter.up):
            initialise(linear, generator)
        place.add_module(NAME, adapter.to(place.weight.device, place.weight.dtype))
        place.register_forward_hook(_adapt)
    return model


def _adapt(place: nn.Module, _, output: torch.Tensor) -> torch.Tensor:
    # By the module, so that a deep copy of the network uses its own adapters.
    return place.get_submodule(NAME)(output)


def save(model: nn.Module, directory: Path, round_to: torch.dtype | None = None) -> list[str]:
    """Write the adapters alone; the names of the files.

    round_to: numbers are rounded to this dtype; they are kept in float32.

    Raises:
        UserError: as `rounded`.
    """
    state = {
        f"{place}.{name}": value.detach().cpu()
        for place, module in places(model).items()
        for name, value in module.get_submodule(NAME).state_dict(prefix=f"{NAME}.").items()
    }
    state = rounded(state, round_to) if round_to else state
    kept = {name: value.float().contiguous() for name, value in state.items()}
    with atomic_path(directory / WEIGHTS) as path:
        save_file(kept, path, metadata={"format": "pt"})
    return [WEIGHTS]


def load_into(model: nn.Module, directory: Path) -> None:
    """Fill the adapters on a network in place with those that a stage saved.

    Raises:
        UserError: they do not fit.
    """
    saved = load_file(directory / WEIGHTS)
    own = {name: value for name, value in model.state_dict().items() if f".{NAME}." in name}
    if {n: v.shape for n, v in saved.items()} != {n: v.shape for n, v in own.items()}:
        raise UserError(
            f"{directory / WEIGHTS}: expected adapters for {len(own)} tensors of this model, found "
            f"{len(saved)} of another; train the chain from its base again."
        )
    model.load_state_dict(saved, strict=False)
