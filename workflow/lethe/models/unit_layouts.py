"""Where the units of each architecture are: heads, and inner and output neurons of feed-forward.

A layout is a tuple of stacks of layers; a row of `kinds.py` names one. Nothing heavy is imported.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Attention:
    """One attention of a layer; its paths start at the layer.

    projections: of queries, keys and values, or the one module that makes all three.
    output: the module that reads the heads' contexts, side by side.
    fused: how one module's outputs are ordered: all queries, then all keys, then all values
        (`blocks`), or these three of every head in turn (`heads`).
    cross: whether the keys and values are those of the encoder's states.
    """

    projections: tuple[str, ...]
    output: str
    fused: Literal["blocks", "heads"] | None = None
    cross: bool = False


@dataclass(frozen=True)
class Stack:
    """Layers of one shape: `layers` is a path from the base model, others start at a layer.

    inner: the maps to the inner neurons, two where one of them gates the other; alternatives, of
        which a model has one.
    output: the map from the inner neurons to the layer's width.
    source: whether the layers read an encoder-decoder's source.
    before_activation: where an inner neuron's gate is: at the output of `inner`, as in Ke et al.
        2023, or at the input of `output`, which with gated maps is the product of both.
    """

    layers: str
    attention: tuple[Attention, ...]
    inner: tuple[tuple[str, ...], ...]
    output: str
    source: bool = False
    before_activation: bool = False


def _separate(prefix: str, output: str) -> tuple[Attention, ...]:
    names = tuple(f"{prefix}.{name}_proj" for name in "qkv")
    return (Attention(names, f"{prefix}.{output}"),)


LLAMA = (
    Stack(
        "layers",
        _separate("self_attn", "o_proj"),
        (("mlp.gate_proj", "mlp.up_proj"),),
        "mlp.down_proj",
    ),
)
OPT = (Stack("decoder.layers", _separate("self_attn", "out_proj"), (("fc1",),), "fc2"),)
GPT2 = (
    Stack(
        "h", (Attention(("attn.c_attn",), "attn.c_proj", "blocks"),), (("mlp.c_fc",),), "mlp.c_proj"
    ),
)


def _fused(layers: str, attention: str) -> tuple[Stack, ...]:
    """GPT-NeoX and BLOOM: queries, keys and values of a head lie side by side."""
    heads = Attention((f"{attention}.query_key_value",), f"{attention}.dense", "heads")
    return (Stack(layers, (heads,), (("mlp.dense_h_to_4h",),), "mlp.dense_4h_to_h"),)


NEOX = _fused("layers", "attention")
BLOOM = _fused("h", "self_attention")


def _t5(stack: str, cross: bool) -> Stack:
    names = ("SelfAttention", "EncDecAttention") if cross else ("SelfAttention",)
    attention = tuple(
        Attention(
            tuple(f"layer.{n}.{name}.{part}" for part in "qkv"), f"layer.{n}.{name}.o", cross=n == 1
        )
        for n, name in enumerate(names)
    )
    below = f"layer.{len(names)}.DenseReluDense"
    inner = ((f"{below}.wi",), (f"{below}.wi_0", f"{below}.wi_1"))
    return Stack(f"{stack}.block", attention, inner, f"{below}.wo", source=not cross)


T5 = (_t5("encoder", cross=False), _t5("decoder", cross=True))
