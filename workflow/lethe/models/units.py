"""The units of a model of any family: heads, inner and output neurons, and what belongs to them.

`unit_layouts.py` declares where they are. The choices, all ours but those of encoders:

- Grouped queries: a unit is a query head. The rows of keys and values that several heads read
  belong to each of them, so they are protected as much as the most important one.
- Gated feed-forward: a neuron's two rows, of the gate and of what it lets through, are one unit.
- Encoder-decoders: layers are numbered through, the encoder's first. Heads of cross-attention are a
  place of their own, since a layer has them beside its other heads.
- What no unit owns is never masked: embeddings, norms (those of queries and keys too), T5's bias by
  distance, which all layers share, the head of the model, and the bias of an attention's output.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lethe.errors import UserError
from lethe.models.kinds import kind_of, known_with
from lethe.models.unit_layouts import Attention, Stack

HEADS, CROSS_HEADS, INTERMEDIATE, OUTPUT = PLACES = (
    "heads",
    "cross_heads",
    "intermediate",
    "output",
)
"""The kinds of units, in the order of the forward pass; only encoder-decoders have all."""


@dataclass(frozen=True)
class Heads:
    """The modules of one attention: `projections` of queries, keys and values, or a fused one."""

    place: str
    layer: int
    projections: tuple[nn.Module, ...]
    output: nn.Module
    fused: str | None
    source: bool


@dataclass(frozen=True)
class Neurons:
    """The modules of one feed-forward part."""

    layer: int
    inner: tuple[nn.Module, ...]
    output: nn.Module
    before_activation: bool
    source: bool


@dataclass(frozen=True)
class Gate:
    """Where units act: at the input or the output of a module; `source`: on an encoder's tokens."""

    place: str
    layer: int
    module: nn.Module
    at_input: bool
    source: bool


@dataclass(frozen=True)
class Units:
    """All units of a network, and its number of query heads per attention."""

    attentions: tuple[Heads, ...]
    neurons: tuple[Neurons, ...]
    heads: int

    @property
    def head_width(self) -> int:
        """Features of the context that belong to one head."""
        return width_in(self.attentions[0].output) // self.heads

    def shapes(self) -> dict[str, tuple[int, int]]:
        """(layers, units) of every place that the network has."""
        layers = {place: 0 for place in (HEADS, CROSS_HEADS)}
        for attention in self.attentions:
            layers[attention.place] += 1
        shapes = {place: (count, self.heads) for place, count in layers.items() if count}
        first = self.neurons[0]
        shapes[INTERMEDIATE] = (len(self.neurons), width_out(first.inner[0]))
        shapes[OUTPUT] = (len(self.neurons), width_out(first.output))
        return shapes

    def gates(self) -> Iterator[Gate]:
        """Every gate, one a layer and place."""
        for heads in self.attentions:
            # A head has no module of its own: its output is the input of the next module.
            yield Gate(heads.place, heads.layer, heads.output, True, heads.source)
        for part in self.neurons:
            inner = part.inner[0] if part.before_activation else part.output
            yield Gate(INTERMEDIATE, part.layer, inner, not part.before_activation, part.source)
            yield Gate(OUTPUT, part.layer, part.output, False, part.source)


def units_of(model) -> Units:
    """The units of a transformers model with or without its head.

    Raises:
        UserError: the type has no known layout, or a module of its layout is missing.
    """
    kind = model.config.model_type
    stacks = kind_of(kind).units
    if not stacks:
        raise UserError(
            f"Expected a model type whose units are known ({known_with('units')}), found {kind!r}."
        )
    attentions: list[Heads] = []
    neurons: list[Neurons] = []
    for stack in stacks:
        layers = module_at(model.base_model, stack.layers, kind)
        if not len(layers):
            raise UserError(f"The model of type {kind!r} has no layers in {stack.layers!r}.")
        for number in range(len(layers)):
            _add_layer(attentions, neurons, stack, _Layer(model.base_model, stack, number, kind))
    return Units(tuple(attentions), tuple(neurons), model.config.num_attention_heads)


class _Layer:
    """The modules of one layer by their paths from it."""

    def __init__(self, root: nn.Module, stack: Stack, number: int, kind: str) -> None:
        self.root, self.kind, self.below = root, kind, f"{stack.layers}.{number}"

    def at(self, path: str) -> nn.Module:
        return module_at(self.root, f"{self.below}.{path}", self.kind)

    def has(self, path: str) -> bool:
        try:
            self.at(path)
        except UserError:
            return False
        return True


def _add_layer(
    attentions: list[Heads], neurons: list[Neurons], stack: Stack, layer: _Layer
) -> None:
    for one in stack.attention:
        attentions.append(_heads(attentions, one, stack, layer))
    inner = next((paths for paths in stack.inner if layer.has(paths[0])), stack.inner[0])
    neurons.append(
        Neurons(
            len(neurons),
            tuple(layer.at(path) for path in inner),
            layer.at(stack.output),
            stack.before_activation,
            stack.source,
        )
    )


def _heads(before: list[Heads], one: Attention, stack: Stack, layer: _Layer) -> Heads:
    place = CROSS_HEADS if one.cross else HEADS
    number = sum(heads.place == place for heads in before)
    projections = tuple(layer.at(path) for path in one.projections)
    return Heads(place, number, projections, layer.at(one.output), one.fused, stack.source)


def width_in(module: nn.Module) -> int:
    """Input features of a linear map."""
    return module.weight.shape[0 if is_transposed(module) else 1]


def width_out(module: nn.Module) -> int:
    """Output features of a linear map."""
    return module.weight.shape[1 if is_transposed(module) else 0]


def is_transposed(module: nn.Module) -> bool:
    """Whether a linear map keeps its weight as [inputs, outputs], as GPT-2's `Conv1D` does."""
    return type(module).__name__ == "Conv1D"


def module_at(root: nn.Module, path: str, kind: str) -> nn.Module:
    """The module at a path; UserError if a model of this type has none there."""
    try:
        return root.get_submodule(path)
    except AttributeError:
        raise UserError(
            f"Expected a module {path!r} in a model of type {kind!r}, found none."
        ) from None


def by_row(values: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Values [outputs] in a shape that multiplies the weight of a linear map."""
    return values[None, :] if is_transposed(module) else values[:, None]


def by_column(values: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Values [inputs] in a shape that multiplies the weight of a linear map."""
    return values[:, None] if is_transposed(module) else values[None, :]
