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
    return DirectAdamW(
        [group for group in groups if group["params"]],
        lr=recipe["learning_rate"],
        betas=tuple(recipe["betas"]),
        eps=recipe["epsilon"],
        fused=recipe.get("fused", True),
    )


class DirectAdamW(torch.optim.AdamW):
    """AdamW whose fused kernel is called directly on a processor, once there is a state.

    torch sorts parameters by device and type before every step, which takes a small network three
    times as long as the kernel.
    """

    @torch.no_grad()
    def step(self, closure=None):
        direct = closure is None and all(self._is_direct(group) for group in self.param_groups)
        if not direct:
            return super().step(closure)
        for group in self.param_groups:
            self._update(group)
        return None

    def _is_direct(self, group: dict) -> bool:
        """Whether a group has all that the kernel takes; the first step makes the states."""
        first = group["params"][0]
        plain = first.is_cpu and first.dtype is torch.float32
        wanted = (p for p in group["params"] if p.grad is not None)
        return plain and group["fused"] is True and all(self.state.get(p) for p in wanted)

    def _update(self, group: dict) -> None:
        parameters = [p for p in group["params"] if p.grad is not None]
        if not parameters:
            return
        states = [self.state[p] for p in parameters]
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        beta1, beta2 = group["betas"]
        torch._fused_adamw_(
            parameters,
            [p.grad for p in parameters],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            steps,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


def clip(stage: Stage, limit: float | None) -> torch.Tensor:
    """Global gradient norm before clipping to `limit` (None: no clipping), on its device."""
    norm = torch.nn.utils.get_total_norm([p.grad for p in stage.trained if p.grad is not None])
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(stage.trained, limit, norm)
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
