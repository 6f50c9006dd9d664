"""LoRA on small networks, for the tests of its mathematics and of its stages."""

import torch
from retention_case import new_model

from lethe.parametrisations import lora
from lethe.parametrisations.parameters import Lora
from lethe.parametrisations.parametrised import parametrised

SPEC = {"kind": "lora", **Lora(rank=4, alpha=8.0).model_dump(mode="json")}
CHAINS = ["same", "fresh", "one-a-task"]


def spec(**settings) -> dict:
    return {**SPEC, **settings}


def some_adapter(model, seed=3, **settings):
    """A network with LoRA whose two factors are both away from zero."""
    parametrised(model, spec(**settings), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def merged_copy(family, model):
    """A plain network with the adapter of another one in its weights."""
    plain = new_model(family)
    kept = {n.replace(".base_layer", ""): v for n, v in model.state_dict().items()}
    plain.load_state_dict({n: v for n, v in kept.items() if ".lora_" not in n})
    with torch.no_grad():
        for factor in lora.factors(model):
            weight = plain.get_submodule(factor.place).weight
            weight += factor.scale * factor.up @ factor.down
    return plain
