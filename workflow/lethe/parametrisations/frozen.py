"""Parts of a network that stay as they are: word embeddings, and layers from the bottom."""

from typing import Any

from torch import nn

from lethe.errors import UserError


def freeze(model: nn.Module, settings: dict[str, Any]) -> nn.Module:
    """Freeze the parts that the settings name; an output layer tied to the embeddings too.

    Raises:
        UserError: more layers than a stack of the model has.
    """
    if settings["embeddings"]:
        model.get_input_embeddings().requires_grad_(False)
    for stack in stacks(model):
        if settings["layers"] > len(stack):
            raise UserError(too_many_layers(settings["layers"], len(stack)))
        for layer in stack[: settings["layers"]]:
            layer.requires_grad_(False)
    return model


def too_many_layers(asked: int, there: int) -> str:
    """The sentence about more frozen layers than there are."""
    return (
        f"parametrisations: expected at most {there} frozen `layers`, as many as the model has, "
        f"found {asked}; lower `layers`."
    )


def stacks(model: nn.Module) -> list[nn.ModuleList]:
    """The stacks of layers of a network: one, or the encoder's and the decoder's."""
    lists = [m for _, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m)]
    inner = {id(m) for outer in lists for layer in outer for m in layer.modules()}
    return [stack for stack in lists if id(stack) not in inner]
