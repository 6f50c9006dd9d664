"""The optimizer of every stage and base: its learning rate by step, and clipping."""

import math

import torch

from lethe.errors import UserError
from lethe.methods.contract import Stage
from lethe.models.vocabulary import embedding_matrices


def make_optimizer(stage: Stage, recipe: dict) -> torch.optim.Optimizer:
    """AdamW for the trainable parameters; vectors (norms, biases) are not decayed.

    One fused kernel updates them, unless `fused` is false: the two round differently. The matrices
    of input and output embeddings have an epsilon of their own if the recipe has
    `embedding_epsilon`: a row whose token never occurs has small gradients, which a small epsilon
    makes full steps of.

    Raises:
        UserError: no parameter is trainable.
    """
    trained = [parameter for _, parameter in stage.trainable()]
    if not trained:
        raise UserError("Nothing is trainable: every parameter of the model is frozen.")
    epsilon = recipe.get("embedding_epsilon")
    apart = set() if epsilon is None else {id(p) for p in embedding_matrices(stage.model)}
    matrices = [p for p in trained if p.dim() > 1]
    groups = [
        {
            "params": [p for p in matrices if id(p) not in apart],
            "weight_decay": recipe["weight_decay"],
        },
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
        {
            "params": [p for p in matrices if id(p) in apart],
            "weight_decay": recipe["weight_decay"],
            "eps": epsilon,
        },
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=recipe["learning_rate"],
        betas=tuple(recipe["betas"]),
        eps=recipe["epsilon"],
        fused=recipe.get("fused", True),
    )


def clip(stage: Stage, limit: float | None) -> torch.Tensor:
    """Global gradient norm before clipping to `limit` (None: no clipping), on its device."""
    gradients = list(stage.gradients().values())
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(
            [parameter for _, parameter in stage.trainable()], limit, norm
        )
    return norm


def factor(step: int, steps: int, schedule: str, warmup_steps: int, final: float) -> float:
    """Share of the peak learning rate at a step.

    Args:
        step: from 0.
        steps: total optimizer steps.
        schedule: `constant`, `linear` or `cosine`, each after a linear warm-up.
        warmup_steps: steps over which the rate rises from 1/warmup_steps to 1.
        final: share of the peak at the end of `linear` and `cosine`.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    if schedule == "linear":
        return 1.0 - (1.0 - final) * progress
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))
