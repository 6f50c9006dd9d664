"""KD: the network stays near an earlier one's outputs on the stage's inputs (Li & Hoiem 2016).

L = L_stage + weight T^2 KL(teacher || student); the teacher is the frozen parent, or the base with
which the chain began. `compare: logits` compares scores at the labelled positions; with `target:
removed` without the label's own token, both distributions normalised again (Mask the Target, arXiv
2605.29498). `compare: hidden` is the form of Ke et al. 2023 for masked language models: last hidden
states on unmasked input, softmax over their width. Memory: one more network. `logits` shares the
network's pass with the loss, and so holds all logits of a micro-batch at once.
"""

import torch

from lethe.data.batches import Batch
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.distillation import divergence
from lethe.models.chunked_loss import loss_of_logits
from lethe.models.forward import label_logits
from lethe.models.masked_forward import hidden_states


class Distillation(Method):
    """The distance to the teacher, added to the stage's loss."""

    def __init__(self, weight: float, temperature: float, compare: str, teacher: str, target: str):
        self.weight, self.temperature, self.compare = weight, temperature, compare
        self.of_base, self.removed = teacher == "base", target == "removed"
        self.teacher: torch.nn.Module | None = None

    def before_stage(self, stage: Stage) -> None:
        load = stage.load_base if self.of_base else stage.load_parent
        self.teacher = load() if self.weight else None

    def loss(self, stage: Stage, batch: Batch) -> torch.Tensor:
        if self.teacher is None:
            return stage.plain_loss(stage.model, batch)
        if self.compare == "hidden":
            # The loss is of masked inputs, the states are of unmasked ones.
            loss = stage.plain_loss(stage.model, batch)
            return loss + self.weight * self.distance(stage, batch).to(loss.device)
        student = label_logits(stage.model, batch)
        loss = loss_of_logits(student, batch.targets, batch.weights)
        return loss + self.weight * self.distance(stage, batch, student)

    def distance(
        self, stage: Stage, batch: Batch, student: torch.Tensor | None = None
    ) -> torch.Tensor:
        """T^2 KL(teacher || student) of a micro-batch, a scalar; zero if the two agree.

        Args:
            student: the network's scores [N, width]; they are computed if None.
        """
        scores = label_logits if self.compare == "logits" else token_states
        with torch.no_grad():
            teacher = scores(self.teacher, batch)
        student = scores(stage.model, batch) if student is None else student
        weights = batch.weights
        if self.compare == "hidden":
            # Each token counts the same; a micro-batch counts by its share of the step's labels.
            weights = (batch.weights.sum() / len(student)).expand(len(student))
        removed = batch.targets if self.removed else None
        return divergence(student, teacher, weights, self.temperature, removed)


def token_states(model, batch: Batch) -> torch.Tensor:
    """Last hidden states [tokens, width] of the unmasked input, padding left out."""
    return hidden_states(model, batch, batch.original_ids)[batch.document_ids >= 0]


METHOD = Distillation
