"""Which modules of an encoder hold its units: heads, intermediate neurons, output neurons."""

from dataclasses import dataclass

from torch import nn

from lethe.errors import UserError
from lethe.models.kinds import kind_of, known_with
from lethe.models.units import module_at

PLACES = ("heads", "intermediate", "output")
"""The three kinds of units of a layer, in the order of the forward pass."""


@dataclass(frozen=True)
class Layer:
    """The linear modules of one layer.

    The head context is the input of `attention_output`; its features are grouped by heads.
    """

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    attention_output: nn.Linear
    intermediate: nn.Linear
    output: nn.Linear


@dataclass(frozen=True)
class Encoder:
    """The layers of an encoder, and its number of heads per layer."""

    layers: tuple[Layer, ...]
    heads: int

    @property
    def head_width(self) -> int:
        """Features of the context that belong to one head."""
        return self.layers[0].attention_output.in_features // self.heads

    def shapes(self) -> dict[str, tuple[int, int]]:
        """(layers, units) of every place."""
        units = (self.heads, self.layers[0].intermediate.out_features)
        units = (*units, self.layers[0].output.out_features)
        return {place: (len(self.layers), n) for place, n in zip(PLACES, units, strict=True)}


def encoder_of(model) -> Encoder:
    """The units' modules of a transformers model with or without its head.

    Raises:
        UserError: the type has no known layout, or a module of its layout is missing.
    """
    kind = model.config.model_type
    layout = kind_of(kind).encoder
    if layout is None:
        raise UserError(
            f"Expected a model type whose units are known ({known_with('encoder')}), found "
            f"{kind!r}."
        )
    base, layers = model.base_model, []
    for number in range(len(module_at(base, layout.layers, kind))):
        below = f"{layout.layers}.{number}"
        paths = {place: f"{below}.{getattr(layout, place)}" for place in Layer.__dataclass_fields__}
        layers.append(
            Layer(**{place: module_at(base, path, kind) for place, path in paths.items()})
        )
    if not layers:
        raise UserError(f"The model of type {kind!r} has no layers in {layout.layers!r}.")
    return Encoder(tuple(layers), model.config.num_attention_heads)
