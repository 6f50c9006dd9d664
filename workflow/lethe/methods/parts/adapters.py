"""Bottleneck adapters (Houlsby et al. 2019) put on an encoder by forward hooks, its weights frozen.

One set of adapters is an `nn.ModuleDict` from the name of a place to the `Adapter` there.
"""

import copy
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as functional
from torch import nn

from lethe.errors import UserError
from lethe.models.encoder_units import encoder_of

SMALLEST_BOTTLENECK = 4  # units; a sixteenth of a test's network would be a single one
INITIAL_DEVIATION = 1e-2  # of the weights, cut at two deviations (Houlsby et al. 2019, 3.6)
STATE_PREFIX = "adapter"


class Adapter(nn.Module):
    """x + W_up gelu(W_down x): the identity, nearly, before it is trained.

    Args:
        width: of the states x [..., width].
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
        """What is added to the states, of the shape that they have."""
        inner = functional.gelu(self.down(states))
        inner = inner if down_gate is None else inner * down_gate.to(inner.dtype)
        added = self.up(inner)
        return added if up_gate is None else added * up_gate.to(added.dtype)


def adapter_places(model) -> dict[str, nn.Linear]:
    """The two modules a layer whose outputs are adapted, before residual sum and normalisation.

    They are the maps back to the layer's width, of attention and of feed-forward; which is where
    Houlsby et al. (2019, figure 2) put adapters.

    Raises:
        UserError: where this type of model has them is not known.
    """
    places = {}
    for number, layer in enumerate(encoder_of(model).layers):
        places[f"{number}_attention"] = layer.attention_output
        places[f"{number}_feed_forward"] = layer.output
    return places


def initialise(linear: nn.Linear, generator: torch.Generator) -> None:
    """Weights near 0, so that what is added to a network changes little; biases 0."""
    limit = 2 * INITIAL_DEVIATION
    nn.init.trunc_normal_(linear.weight, 0.0, INITIAL_DEVIATION, -limit, limit, generator=generator)
    nn.init.zeros_(linear.bias)


def new_adapters(
    model, reduction: int, seed: int, make: Callable[[int, int], Adapter] = Adapter
) -> nn.ModuleDict:
    """An untrained set for a network, drawn from the seed alone; on the network's device.

    Args:
        reduction: width of the network / bottleneck.
        make: (width, bottleneck) -> an adapter, whose two maps are drawn here.

    Raises:
        UserError: where this type of model has its places is not known.
    """
    generator = torch.Generator().manual_seed(seed)
    adapters = nn.ModuleDict()
    for name, place in adapter_places(model).items():
        width = place.out_features
        adapter = make(width, max(width // reduction, SMALLEST_BOTTLENECK))
        for linear in (adapter.down, adapter.up):
            initialise(linear, generator)
        adapters[name] = adapter
    return like(adapters, model)


def like(module: nn.Module, model) -> nn.Module:
    """The module on the device and in the type of numbers of a network."""
    example = next(model.parameters())
    return module.to(example.device, example.dtype)


def apply_adapters(
    model, adapters: nn.ModuleDict, gates: Mapping[str, torch.Tensor] | None = None
) -> list:
    """Let a network compute with a set of adapters; the handles' `remove()` undoes it.

    Args:
        gates: of units, by `PLACE_down` and `PLACE_up`, read anew at every pass; none: no gates.

    Raises:
        UserError: the adapters are those of a network with other layers or another width.
    """
    places = adapter_places(model)
    widths = {name: adapter.down.in_features for name, adapter in adapters.items()}
    if widths != {name: place.out_features for name, place in places.items()}:
        raise UserError(
            f"These adapters were trained on another network: {len(widths)} places of width "
            f"{sorted(set(widths.values()))}, where the model has {len(places)}."
        )
    gates = {} if gates is None else gates

    def hook_of(name: str):
        return lambda _, __, output: adapters[name](
            output, gates.get(f"{name}_down"), gates.get(f"{name}_up")
        )

    return [place.register_forward_hook(hook_of(name)) for name, place in places.items()]


def mean_of(sets: list[nn.ModuleDict]) -> nn.ModuleDict:
    """A new set whose parameters are the means of those of several."""
    states = [adapters.state_dict() for adapters in sets]
    mean = copy.deepcopy(sets[0])
    mean.load_state_dict(
        {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}
    )
    return mean


def tensors_of(sets: nn.ModuleList) -> dict[str, torch.Tensor]:
    """The tensors of N sets, `adapter.0.NAME` to `adapter.N-1.NAME`, for a checkpoint."""
    return {f"{STATE_PREFIX}.{name}": value for name, value in sets.state_dict().items()}


def load_sets(sets: nn.ModuleList, state: dict[str, torch.Tensor]) -> None:
    """Fill sets with what `tensors_of` returned; in place, those that are missing are added.

    Raises:
        UserError: the tensors are not those of adapters.
    """
    mine = {
        name.removeprefix(f"{STATE_PREFIX}."): value
        for name, value in state.items()
        if name.startswith(f"{STATE_PREFIX}.")
    }
    try:
        if len(mine) != len(state):
            raise ValueError("other names")
        shapes: dict[int, dict[str, torch.Size]] = {}
        for name, value in mine.items():
            number, place, part = name.split(".", 2)
            if part == "down.weight":
                shapes.setdefault(int(number), {})[place] = value.shape
        for number in range(len(sets), len(shapes)):
            found = {
                place: Adapter(width, bottleneck)
                for place, (bottleneck, width) in shapes[number].items()
            }
            sets.append(nn.ModuleDict(found))
        sets.load_state_dict(mine)
    except (KeyError, ValueError, RuntimeError):
        raise UserError(
            f"The checkpoint's method state holds no adapters that fit, but {sorted(state)[:2]}; "
            "was it trained by another method, or with another `reduction`?"
        ) from None
