"""A model stays as its weights were loaded, also where its configuration says something else."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from lethe.errors import UserError


def keep_as_loaded(model: Any) -> None:
    """Let later calls of `tie_weights` tie only what was tied when the weights were loaded.

    transformers keeps two matrices apart if the weights hold two different ones, whatever the
    configuration says. `tie_weights` alone, as lm-eval calls it, goes by the configuration, and
    would score another model than the one that was loaded or trained.
    """
    model.tie_weights = partial(model.tie_weights, recompute_mapping=False)


def kept_apart(model: Any) -> list[str]:
    """A sentence for each two matrices that are one by the configuration, but not as loaded."""
    by_config = model.get_expanded_tied_weights_keys(all_submodels=True)
    return [
        f"config.json says that {one} is {other} (tied embeddings), the weights hold two "
        "different matrices; they are scored, trained and saved as two (was an adapter on one of "
        "them merged?)."
        for one, other in sorted(by_config.items())
        if model.get_parameter_or_buffer(one) is not model.get_parameter_or_buffer(other)
    ]


def require_finite(model: Any, directory: Path) -> None:
    """Raise UserError if a weight is not a finite number."""
    for name, parameter in model.named_parameters():
        # One pass over the numbers, which keeps NaN, and no copy of them.
        if parameter.numel() and not torch.stack(parameter.detach().aminmax()).isfinite().all():
            raise UserError(
                f"{directory}: {name} holds NaN or infinity; the weights are broken (training "
                "diverged?), give another checkpoint."
            )
