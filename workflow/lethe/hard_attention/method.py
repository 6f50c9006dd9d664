"""What methods with hard attention share: a step under gates, and the end of a stage."""

import torch

from lethe.hard_attention.domains import Domains, Settings
from lethe.hard_attention.protection import Protection
from lethe.methods.contract import Method, Stage


class GatedMethod(Method):
    """A method's `before_stage` begins a domain, sets the hooks and, later on, the protection."""

    needs_identity = True

    def __init__(self, **settings):
        self.domains = Domains(Settings(**settings))
        self.protection: Protection | None = None
        self.hooks: list = []

    def loss(self, stage: Stage, batch) -> torch.Tensor:
        penalty = self.domains.open(stage)
        # Weights sum to one over the micro-batches of a step, so the penalty counts once.
        return self._loss_under_gates(stage, batch) + batch.weights.sum() * penalty

    def _loss_under_gates(self, stage: Stage, batch) -> torch.Tensor:
        """The loss without the penalty; the gates of the step are in the network."""
        return stage.plain_loss(stage.model, batch)

    def after_backward(self, stage: Stage) -> None:
        self.domains.compensate(stage)
        if self.protection is not None:
            self.protection.mask_gradients()

    def after_update(self, stage: Stage) -> None:
        self.domains.clamp()
        if self.protection is not None:
            self.protection.put_back()

    def after_stage(self, stage: Stage) -> None:
        for hook in self.hooks:
            hook.remove()
        self.domains.finish()
        self.extra, self.protection = None, None
