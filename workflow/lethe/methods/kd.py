"""KD: the network stays near the parent's outputs on the stage's inputs (Li & Hoiem 2016).

L = L_stage + weight T^2 KL(teacher || student); the teacher is the parent, frozen (at the first
stage the base). `compare: logits` compares scores at the labelled positions. `compare: hidden` is
the form that Ke et al. 2023 have, for masked language models: last hidden states on unmasked input,
softmax over their width.
"""

import torch

from lethe.data.batches import Batch
from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.distillation import divergence
from lethe.methods.parts.retention.fisher import check_weights
from lethe.models.forward import label_logits
from lethe.models.masked_forward import hidden_states


class Distillation(Method):
    """Hyper-parameters: `weight`, `temperature` and `compare` (logits or hidden)."""

    def __init__(self, weight: float = 1.0, temperature: float = 1.0, compare: str = "logits"):
        check_weights("KD", weight=weight, temperature=temperature)
        if not temperature:
            raise UserError("KD: expected a temperature above 0, found 0.")
        if compare not in ("logits", "hidden"):
            raise UserError(f"KD: expected 'logits' or 'hidden' as `compare`, found {compare!r}.")
        self.weight, self.temperature, self.compare = weight, temperature, compare
        self.teacher: torch.nn.Module | None = None

    def before_stage(self, stage: Stage) -> None:
        self.teacher = stage.load_parent() if self.weight else None

    def loss(self, stage: Stage, batch: Batch) -> torch.Tensor:
        loss = stage.plain_loss(stage.model, batch)
        if self.teacher is None:
            return loss
        return loss + self.weight * self.distance(stage, batch).to(loss.device)

    def distance(self, stage: Stage, batch: Batch) -> torch.Tensor:
        """T^2 KL(teacher || student) of a micro-batch, a scalar; zero if the two agree."""
        scores = label_logits if self.compare == "logits" else token_states
        with torch.no_grad():
            wanted = scores(self.teacher, batch)
        found = scores(stage.model, batch)
        weights = batch.weights
        if self.compare == "hidden":
            # Each token counts the same; a micro-batch has its share of the step's labels.
            weights = (batch.weights.sum() / len(found)).expand(len(found))
        return divergence(found, wanted, weights, self.temperature)


def token_states(model, batch: Batch) -> torch.Tensor:
    """Last hidden states [tokens, width] of the unmasked input, padding left out."""
    return hidden_states(model, batch, batch.original_ids)[batch.document_ids >= 0]


METHOD = Distillation
