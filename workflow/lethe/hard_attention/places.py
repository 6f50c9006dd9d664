"""Where the gated units of an encoder are, and which parameters they protect.

Units are attention heads, intermediate neurons and output neurons of every layer (Ke et al. 2023).
"""

from dataclasses import dataclass

import torch
from torch import nn

from lethe.errors import UserError
from lethe.hard_attention.gates import Vectors, free_weight

KINDS = {
    "ffn_attention": ("heads", "intermediate"),
    "all": ("heads", "intermediate", "output"),
}
# The modules of a layer; RoBERTa and its kin have taken BERT's names.
BERT = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}
LAYERS = "encoder.layer"
SUPPORTED = {"bert": BERT, "roberta": BERT, "xlm-roberta": BERT, "camembert": BERT}


@dataclass(frozen=True)
class Layer:
    """The linear modules of one encoder layer, and their names in the whole model."""

    number: int
    modules: dict[str, nn.Linear]
    names: dict[str, str]

    def place(self, kind: str) -> str:
        """Name of one kind of units of this layer; without dots, as parameters need."""
        return f"layer{self.number}_{kind}"


def layers_of(model) -> list[Layer]:
    """The layers of a masked language model's encoder.

    Raises:
        UserError: the type of model is not known, or a module is not where that type has it.
    """
    kind = model.config.model_type
    if kind not in SUPPORTED:
        raise UserError(
            f"Hard attention needs a model of type {', '.join(sorted(SUPPORTED))}, found {kind!r}."
        )
    prefix = f"{model.base_model_prefix}.{LAYERS}"
    found = []
    for number in range(model.config.num_hidden_layers):
        names = {role: f"{prefix}.{number}.{path}" for role, path in SUPPORTED[kind].items()}
        modules = {role: _linear(model, name) for role, name in names.items()}
        found.append(Layer(number, modules, names))
    return found


def _linear(model, name: str) -> nn.Linear:
    try:
        module = model.get_submodule(name)
    except AttributeError:
        module = None
    if not isinstance(module, nn.Linear):
        raise UserError(f"Hard attention expected a linear module {name!r} in the model.")
    return module


def unit_sizes(model, kinds: tuple[str, ...]) -> dict[str, int]:
    """Number of units by place."""
    sizes = {
        "heads": model.config.num_attention_heads,
        "intermediate": model.config.intermediate_size,
        "output": model.config.hidden_size,
    }
    return {layer.place(kind): sizes[kind] for layer in layers_of(model) for kind in kinds}


def gate_units(model, gates: Vectors, kinds: tuple[str, ...]) -> list:
    """Multiply the units by `gates`, a dict that is read anew at every forward pass.

    A head's gate scales its context vector; an intermediate one is after the activation; an output
    one is before dropout, residual and LayerNorm.

    Returns:
        The handles of the hooks, whose `remove` ends the gating.
    """
    width = model.config.hidden_size // model.config.num_attention_heads

    def scale_input(place: str, repeats: int):
        def hook(module, inputs):
            factor = gates[place].repeat_interleave(repeats)
            return (inputs[0] * factor.to(inputs[0].dtype),)

        return hook

    def scale_output(place: str):
        return lambda module, inputs, output: output * gates[place].to(output.dtype)

    handles = []
    for layer in layers_of(model):
        heads = scale_input(layer.place("heads"), width)
        handles.append(layer.modules["attention_output"].register_forward_pre_hook(heads))
        output, neurons = layer.modules["output"], scale_input(layer.place("intermediate"), 1)
        handles.append(output.register_forward_pre_hook(neurons))
        if "output" in kinds:
            handles.append(output.register_forward_hook(scale_output(layer.place("output"))))
    return handles


def free_shares(model, used: Vectors) -> dict[str, torch.Tensor]:
    """Factors of the gradients of the protected parameters, by name: 1 - min(a_l, a_{l-1}).

    The residual stream has no gate, so it counts as used by all. Parameters without a factor
    (embeddings, LayerNorm, head, and biases of units that have no gate) are not in the result.
    """
    width = model.config.hidden_size // model.config.num_attention_heads
    shares = {}
    for layer in layers_of(model):
        heads = used[layer.place("heads")].repeat_interleave(width)
        neurons = used[layer.place("intermediate")]
        ends = {role: (heads, None) for role in ("query", "key", "value")}
        ends["attention_output"] = (None, heads)
        ends["intermediate"] = (neurons, None)
        ends["output"] = (used.get(layer.place("output")), neurons)
        for role, (outputs, inputs) in ends.items():
            shape = layer.modules[role].weight.shape
            shares[f"{layer.names[role]}.weight"] = free_weight(outputs, inputs, shape)
            if outputs is not None:
                shares[f"{layer.names[role]}.bias"] = 1 - outputs
    return shares
