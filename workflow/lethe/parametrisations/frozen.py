"""Parts of a network that stay as they are: word embeddings, and layers from the bottom."""

from typing import Any

from torch import nn

from lethe.parametrisations.mistakes import nothing_trained, too_many_layers


def freeze(model: nn.Module, settings: dict[str, Any]) -> nn.Module:
    """Freeze the parts that the settings name; an output layer tied to the embeddings too.

    Raises:
        UserError: more layers than a stack of the model has, or no matrix is left to train.
    """
    if settings["embeddings"]:
        model.get_input_embeddings().requires_grad_(False)
    for stack in stacks(model):
        if settings["layers"] > len(stack):
            raise too_many_layers(settings["layers"], len(stack))
        for layer in stack[: settings["layers"]]:
            layer.requires_grad_(False)
    if not any(p.requires_grad and p.dim() > 1 for p in model.parameters()):
        raise nothing_trained()
    return model


def stacks(model: nn.Module) -> list[nn.ModuleList]:
    """The stacks of layers of a network: one, or the encoder's and the decoder's."""
    lists = [m for _, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m)]
    inner = {id(m) for outer in lists for layer in outer for m in layer.modules()}
    return [stack for stack in lists if id(stack) not in inner]
