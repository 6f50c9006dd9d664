"""A-GEM: no step may raise the loss on earlier examples, to first order (Chaudhry et al. 2019).

g becomes g - min(0, g.r / r.r) r, where r is the gradient of the loss on a draw of earlier stages'
examples (Eq. 11, arXiv 1812.00420). Then g.r >= 0. AdamW rescales g afterwards, weight by weight,
so that its update may still raise that loss. Memory: one more copy of the trained parameters.
"""

import torch

from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.earlier import Earlier

WHICH = 302  # distinguishes this draw from others of the same seed
COUNTS = "counts"


class AveragedGEM(Method):
    """The projection; the state counts the steps of this stage that needed it, and all of them."""

    def __init__(self, replayed: int, capacity: int | None, project: bool):
        self.replayed, self.capacity, self.project = replayed, capacity, project
        self.reference: dict[str, torch.Tensor] = {}
        self.counts = torch.tensor([0, 0])

    def before_stage(self, stage: Stage) -> None:
        self.earlier = Earlier(stage, self.capacity, "agem")
        self.counts = torch.tensor([0, 0])

    def step_loss(self, stage: Stage) -> None:
        """Only takes the reference gradient: here the recipe's arithmetic is that of the loss."""
        if self.project and self.earlier:
            self.reference = self.reference_gradient(stage)

    def reference_gradient(self, stage: Stage) -> dict[str, torch.Tensor]:
        """Gradient of the plain loss on earlier examples, by name of the trained parameters."""
        named = dict(stage.trainable())
        total: dict[str, torch.Tensor] = {}
        for batch in stage.replay(self.earlier.draw(stage, self.replayed, WHICH), stage.step):
            loss = stage.plain_loss(stage.model, batch)
            found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
            for name, gradient in zip(named, found, strict=True):
                if gradient is not None:
                    total[name] = total[name] + gradient if name in total else gradient
        return total

    def after_backward(self, stage: Stage) -> None:
        if not self.reference:
            return
        parameters = dict(stage.trainable())
        for name in self.reference:
            if parameters[name].grad is None:
                parameters[name].grad = torch.zeros_like(parameters[name])
        gradients = stage.gradients()
        device = next(iter(self.reference.values())).device
        product, square = torch.zeros((2,), dtype=torch.float64, device=device)
        for name, r in self.reference.items():
            product += (gradients[name] * r).sum().double().to(device)
            square += r.square().sum().double().to(device)
        # Nothing here waits for a GPU, so there is no branch on the sign.
        factor = (product / square.clamp_min(torch.finfo(torch.float64).tiny)).clamp_max(0)
        for name, r in self.reference.items():
            gradients[name] -= factor.to(r.device, r.dtype) * r
        self.counts = self.counts.to(device) + torch.stack([product < 0, square >= 0])
        self.reference = {}

    def record(self) -> dict[str, torch.Tensor]:
        """Share of the stage's steps whose gradient was projected; none in a first stage."""
        projected, steps = self.counts.tolist()
        return {"agem.projected": torch.tensor(projected / steps)} if steps else {}

    def state(self) -> dict[str, torch.Tensor]:
        return {COUNTS: self.counts.cpu()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        if state:
            self.counts = state[COUNTS]


METHOD = AveragedGEM
