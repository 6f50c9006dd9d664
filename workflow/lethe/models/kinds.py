"""What Lethe knows about each model type of transformers: one row per type, and nothing elsewhere.

A test checks every fact of every row against transformers, so a type is added by adding its row.
This module imports nothing heavy: the configuration reads it too.
"""

from dataclasses import dataclass
from typing import Literal

from lethe.parameters.families import Family


@dataclass(frozen=True)
class Classes:
    """Where transformers has the classes of an architecture that is built here.

    A job imports this module alone; transformers' automatic classes take a second to import.
    """

    module: str
    config: str
    model: str


@dataclass(frozen=True)
class EncoderLayout:
    """Module paths in an encoder: `layers` from the base model, the others from one layer."""

    layers: str = "encoder.layer"
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    attention_output: str = "attention.output.dense"
    intermediate: str = "intermediate.dense"
    output: str = "output.dense"


@dataclass(frozen=True)
class Kind:
    """The facts about one model type; the defaults stand for an unknown type."""

    family: Family | None = None
    positions: Literal["rotary", "table", "table after padding", "slopes", "distances"] | None = (
        None
    )
    """How the model sees order. A `table` has a last position. In `table after padding`, positions
    start after the id of the padding token and skip padding tokens. `slopes` (ALiBi) and
    `distances` (T5's buckets) are relative, so a text of any length can be read, even if a
    configuration states a maximum."""
    packing: Literal["positions", "positions and mask", "bias", "masks"] | None = None
    """What keeps packed texts apart in a decoder or an encoder-decoder: positions that restart, a
    mask beside them, a bias of slopes and mask, or ready masks in all three attentions. None: one
    text per row, since a model may silently ignore positions. (A masked language model always
    takes positions and a mask.)"""
    plain_head: bool = False
    """Logits of a decoder are the output embeddings applied to its last hidden state, and nothing
    after."""
    shares_prefixes: bool = False
    """Whether the engine `fast` can score it. A decoder must accept keys and values of a prefix, a
    mask of four dimensions and explicit positions (`slopes`: a bias made of them), and have a plain
    head; an encoder-decoder must accept packed answers."""
    head: str | None = None
    """The module of a masked language model that turns its last hidden states into logits."""
    encoder: EncoderLayout | None = None
    """Where the units of an encoder are: heads, intermediate and output neurons."""
    back: tuple[str, ...] = ()
    """Ends of the names of the maps back to a layer's width, of attention and of feed-forward,
    after which adapters stand; empty: they are not known."""
    built: Classes | None = None
    """The classes of an architecture that can be built here; None: it is only loaded."""


LLAMA_BACK = (".self_attn.o_proj", ".mlp.down_proj")


def _decoder(positions, packing="positions", built=None, back=LLAMA_BACK) -> Kind:
    return Kind("causal", positions, packing, True, True, back=back, built=built)


def _t5(built: Classes) -> Kind:
    back = (".SelfAttention.o", ".EncDecAttention.o", ".DenseReluDense.wo")
    return Kind("seq2seq", "distances", "masks", shares_prefixes=True, back=back, built=built)


def _encoder(positions, head: str, built=None) -> Kind:
    layout = EncoderLayout()
    back = (f".{layout.attention_output}", f".{layout.output}")
    return Kind("masked", positions, head=head, encoder=layout, back=back, built=built)


def _classes(name: str, prefix: str, task: str) -> Classes:
    return Classes(f"transformers.models.{name}", f"{prefix}Config", f"{prefix}For{task}")


KINDS = {
    "llama": _decoder("rotary", built=_classes("llama", "Llama", "CausalLM")),
    "qwen2": _decoder("rotary"),
    "qwen3": _decoder("rotary"),
    "mistral": _decoder("rotary"),
    "gpt_neox": _decoder("rotary", back=(".attention.dense", ".mlp.dense_4h_to_h")),
    "gpt2": _decoder("table", back=(".attn.c_proj", ".mlp.c_proj")),
    "opt": _decoder("table", "positions and mask", back=(".self_attn.out_proj", ".fc2")),
    "bloom": _decoder("slopes", "bias", back=(".self_attention.dense", ".mlp.dense_4h_to_h")),
    "t5": _t5(_classes("t5", "T5", "ConditionalGeneration")),
    "mt5": _t5(_classes("mt5", "MT5", "ConditionalGeneration")),
    "roberta": _encoder(
        "table after padding", "lm_head", built=_classes("roberta", "Roberta", "MaskedLM")
    ),
    "xlm-roberta": _encoder("table after padding", "lm_head"),
    "camembert": _encoder("table after padding", "lm_head"),
    "bert": _encoder("table", "cls"),
}
BUILT = tuple(name for name, kind in KINDS.items() if kind.built)
"""The architectures that can be built here."""


def kind_of(model_type: str | None) -> Kind:
    """The row of a model type; the defaults if the type is unknown."""
    return KINDS.get(model_type, Kind())


def known_with(fact: str) -> str:
    """The model types that have a fact of `Kind`, as a list for a message."""
    return ", ".join(sorted(name for name, kind in KINDS.items() if getattr(kind, fact)))
