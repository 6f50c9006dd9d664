"""Earlier values of the trained parameters: where the stage begins, or those of the base."""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Stage

Tensors = dict[str, torch.Tensor]


def where_it_begins(stage: Stage) -> Tensors:
    """Copies of the trained parameters by name; in `before_stage` they are the parent's.

    Parameters that the stage itself adds, such as a fresh adapter's, are as they were made.
    """
    return {name: p.detach().clone() for name, p in stage.trainable()}


def those_of_base(stage: Stage, method: str) -> Tensors:
    """The base's values of the trained parameters, by name, on their devices.

    Args:
        method: its name in messages.

    Raises:
        UserError: the base has no such parameter, or one of another shape.
    """
    base = dict(stage.load_base().named_parameters())
    found = {}
    for name, p in stage.trainable():
        if name not in base or base[name].shape != p.shape:
            raise UserError(
                f"{method}: expected the trained parameters to be the base's own, found "
                f"{name!r}, which the base has not in this shape; train the whole model, or give "
                "the method another anchor."
            )
        found[name] = base[name].detach().to(p.device, p.dtype)
    return found


def squared_distance(parameters: Tensors, anchor: Tensors) -> torch.Tensor:
    """sum (theta - theta_anchor)^2, a scalar."""
    parts = [(p - anchor[name]).square().sum() for name, p in parameters.items()]
    # If a model is spread over devices, its parts are added up on the first one.
    return torch.stack([part.to(parts[0].device) for part in parts]).sum()
