"""FLOW: examples that the base finds easy weigh more (Sanyal et al. 2025, arXiv 2502.02797).

L = sum_i w_i L_i with w_i = exp(-f_i / tau) / mean_j exp(-f_j / tau): f_i is example i's mean loss
over its labels under the base that the chain began with, tau the median of all f of the stage
(algorithm 1 and remark 4.2 there). The mean in the denominator is ours: the loss keeps its size,
and clipping and decay their meaning. Of a masked language model, f is of one draw of masks. Cost:
one pass of the base over the stage's examples, forward only. Memory: one more network during that
pass, and a number an example.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from lethe.data.batches import Batch
from lethe.methods.contract import Method, Stage
from lethe.models.forward import token_losses

AT_ONCE = 16  # examples that are laid out together
DRAW = 0  # selects the masks for the base's losses, in a masked language model
Name = tuple[str, str]


class EasyExamples(Method):
    """The weights, by source and id of the example."""

    def __init__(self, sharpness: float):
        self.sharpness = sharpness
        self.weights: dict[Name, float] = {}

    def before_stage(self, stage: Stage) -> None:
        if self.sharpness:
            losses = dict(base_losses(stage))
            weights = weights_of(np.array(list(losses.values())), self.sharpness)
            self.weights = dict(zip(losses, weights.tolist(), strict=True))

    def loss(self, stage: Stage, batch: Batch) -> torch.Tensor:
        if self.weights:
            names = zip(batch.sources, batch.example_ids, strict=True)
            of_example = batch.weights.new_tensor([self.weights[name] for name in names])
            batch = replace(batch, weights=batch.weights * of_example[batch.label_documents])
        return stage.plain_loss(stage.model, batch)

    def record(self) -> dict[str, torch.Tensor]:
        """(sum w)^2 / (n sum w^2): the share of the examples that the weights leave in effect."""
        if not self.weights:
            return {}
        weights = torch.tensor(list(self.weights.values()), dtype=torch.float64)
        return {"effective_share": weights.mean().square() / weights.square().mean()}


def weights_of(losses: np.ndarray, sharpness: float) -> np.ndarray:
    """exp(-sharpness f / median f), divided by its mean, for losses f [n] in nats."""
    # Losses of exactly zero have a median without a scale; they weigh 1, all others nothing.
    median = max(float(np.median(losses)), np.finfo(float).tiny)
    # The smallest loss is taken off, a factor that cancels: so the sum is never zero.
    weights = np.exp(-sharpness * (losses - losses.min()) / median)
    return weights / weights.mean()


@torch.no_grad()
def base_losses(stage: Stage) -> Iterator[tuple[Name, float]]:
    """The mean loss over its labels, in nats, of every example under the base."""
    base = stage.load_base()
    starts = range(0, len(stage.examples), AT_ONCE)
    for start in stage.counted(starts, len(starts), "batch for the base's losses"):
        stop = min(start + AT_ONCE, len(stage.examples))
        for batch in stage.collate([stage.examples[i] for i in range(start, stop)], DRAW):
            losses = token_losses(base, batch).double().cpu()
            owners, count = batch.label_documents.cpu(), len(batch.example_ids)
            total = torch.zeros(count, dtype=losses.dtype).index_add_(0, owners, losses)
            means = total / torch.bincount(owners, minlength=count)
            names = zip(batch.sources, batch.example_ids, strict=True)
            yield from zip(names, means.tolist(), strict=True)


METHOD = EasyExamples
