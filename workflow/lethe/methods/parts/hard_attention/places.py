"""Where the gated units of an encoder are, and which parameters they protect.

Units are attention heads, intermediate neurons and output neurons of every layer (Ke et al. 2023).
"""

import torch

from lethe.methods.parts.hard_attention.gates import Vectors, free_weight
from lethe.models.encoder_units import encoder_of

KINDS = {
    "ffn_attention": ("heads", "intermediate"),
    "all": ("heads", "intermediate", "output"),
}
HEADS_OF = ("query", "key", "value")


def place(layer: int, kind: str) -> str:
    """Name of one kind of units of a layer; without dots, which parameter names forbid."""
    return f"layer{layer}_{kind}"


def unit_sizes(model, kinds: tuple[str, ...]) -> dict[str, int]:
    """Number of units by place."""
    shapes = encoder_of(model).shapes()
    return {place(n, kind): shapes[kind][1] for n in range(shapes["heads"][0]) for kind in kinds}


def gate_units(model, gates: Vectors, kinds: tuple[str, ...]) -> list:
    """Multiply the units by `gates`, a dict that is read at every forward pass.

    A head's gate scales its context vector; an intermediate gate is after the activation; an output
    gate is before dropout, residual and LayerNorm.

    Returns:
        The handles of the hooks; their `remove` ends the gating.
    """
    encoder = encoder_of(model)

    def scale_input(name: str, repeats: int):
        def hook(module, inputs):
            factor = gates[name].repeat_interleave(repeats)
            return (inputs[0] * factor.to(inputs[0].dtype),)

        return hook

    def scale_output(name: str):
        return lambda module, inputs, output: output * gates[name].to(output.dtype)

    handles = []
    for number, layer in enumerate(encoder.layers):
        heads = scale_input(place(number, "heads"), encoder.head_width)
        handles.append(layer.attention_output.register_forward_pre_hook(heads))
        neurons = scale_input(place(number, "intermediate"), 1)
        handles.append(layer.output.register_forward_pre_hook(neurons))
        if "output" in kinds:
            scale = scale_output(place(number, "output"))
            handles.append(layer.output.register_forward_hook(scale))
    return handles


def free_shares(model, used: Vectors) -> dict[str, torch.Tensor]:
    """Factors of the gradients of the protected parameters, by name: 1 - min(a_l, a_{l-1}).

    The residual stream has no gate, so it counts as used by all domains. Parameters without a
    factor (embeddings, LayerNorm, head, biases of units without a gate) are not in the result.
    """
    encoder = encoder_of(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    shares = {}
    for number, layer in enumerate(encoder.layers):
        heads = used[place(number, "heads")].repeat_interleave(encoder.head_width)
        neurons = used[place(number, "intermediate")]
        ends = {role: (heads, None) for role in HEADS_OF}
        ends["attention_output"] = (None, heads)
        ends["intermediate"] = (neurons, None)
        ends["output"] = (used.get(place(number, "output")), neurons)
        for role, (outputs, inputs) in ends.items():
            module = getattr(layer, role)
            shares[names[id(module.weight)]] = free_weight(outputs, inputs, module.weight.shape)
            if outputs is not None:
                shares[names[id(module.bias)]] = 1 - outputs
    return shares


class Protection:
    """Factors of gradients, by parameter name; created when a stage starts, from the parent.

    A masked gradient of 0 does not stop weight decay, so values whose factor is 0 are restored
    after every update.
    """

    def __init__(self, parameters: dict[str, torch.nn.Parameter], shares: dict[str, torch.Tensor]):
        self.shares = shares
        self.parameters = {name: parameters[name] for name in shares}
        self.kept = {name: p.detach().clone() for name, p in self.parameters.items()}

    def mask_gradients(self) -> None:
        for name, parameter in self.parameters.items():
            if parameter.grad is not None:
                parameter.grad *= self.shares[name]

    @torch.no_grad()
    def put_back(self) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(torch.where(self.shares[name] == 0, self.kept[name], parameter))
