"""Bottleneck adapters (Houlsby et al. 2019), attached by forward hooks to a frozen encoder.

One set of adapters is an `nn.ModuleDict` from the name of a place to its `Adapter`.
"""

import copy
from collections.abc import Callable, Mapping

import torch
from torch import nn

from lethe.errors import UserError
from lethe.models.encoder_units import encoder_of
from lethe.parametrisations.bottleneck import SMALLEST_BOTTLENECK, Adapter, initialise

STATE_PREFIX = "adapter"


def adapter_places(model) -> dict[str, nn.Linear]:
    """The two modules per layer whose outputs are adapted, before residual sum and normalisation.

    They are the maps back to the layer's width, of attention and of feed-forward, where Houlsby et
    al. (2019, figure 2) put adapters.

    Raises:
        UserError: the places are not known for this type of model.
    """
    places = {}
    for number, layer in enumerate(encoder_of(model).layers):
        places[f"{number}_attention"] = layer.attention_output
        places[f"{number}_feed_forward"] = layer.output
    return places


def new_adapters(
    model, reduction: int, seed: int, make: Callable[[int, int], Adapter] = Adapter
) -> nn.ModuleDict:
    """An untrained set for a network, drawn from the seed alone; on the network's device.

    Args:
        reduction: width of the network / bottleneck.
        make: (width, bottleneck) -> an adapter, whose two maps are initialised here.

    Raises:
        UserError: the places are not known for this type of model.
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
    """The module moved to the device and dtype of a network."""
    example = next(model.parameters())
    return module.to(example.device, example.dtype)


def apply_adapters(
    model, adapters: nn.ModuleDict, gates: Mapping[str, torch.Tensor] | None = None
) -> list:
    """Attach a set of adapters to a network; the handles' `remove()` undoes it.

    Args:
        gates: gates of units, by `PLACE_down` and `PLACE_up`, read at every pass; None: no gates.

    Raises:
        UserError: the adapters belong to a network with other layers or another width.
    """
    places = adapter_places(model)
    widths = {name: adapter.down.in_features for name, adapter in adapters.items()}
    if widths != {name: place.out_features for name, place in places.items()}:
        raise UserError(
            f"These adapters were trained on another network: they have {len(widths)} places of "
            f"width {sorted(set(widths.values()))}, the model has {len(places)} places of width "
            f"{sorted({place.out_features for place in places.values()})}."
        )
    gates = {} if gates is None else gates

    def hook_of(name: str):
        return lambda _, __, output: adapters[name](
            output, gates.get(f"{name}_down"), gates.get(f"{name}_up")
        )

    return [place.register_forward_hook(hook_of(name)) for name, place in places.items()]


def mean_of(sets: list[nn.ModuleDict]) -> nn.ModuleDict:
    """A new set whose parameters are the means over several sets."""
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
    """Fill sets in place with the tensors of `tensors_of`; missing sets are added.

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
            raise ValueError("names without the prefix")
        shapes: dict[int, dict[str, torch.Size]] = {}
        for name, value in mine.items():
            number, place, part = name.split(".", 2)
            if part == "down.weight":
                shapes.setdefault(int(number), {})[place] = value.shape
        for number in range(len(sets), len(shapes)):
            adapters = {
                place: Adapter(width, bottleneck)
                for place, (bottleneck, width) in shapes[number].items()
            }
            sets.append(nn.ModuleDict(adapters))
        sets.load_state_dict(mine)
    except (KeyError, ValueError, RuntimeError):
        raise UserError(
            f"Expected fitting adapters in the checkpoint's method state, found "
            f"{sorted(state)[:2]}; was it trained with another method, or another `reduction`?"
        ) from None
