"""Self-generated replay: the network stays what it was on texts that its base wrote.

Before a chain's first stage the base writes texts from nothing (from the beginning token; an
encoder-decoder from an empty source), once; they are the method's state. L = L_stage +
weight (n / b) L_texts in a step of b own examples and n of these texts, n = ratio b on average.
L_texts is the cross-entropy of the drawn tokens (`loss: ce`, arXiv 2505.13811), or
KL(base || network) at their positions, over the whole vocabulary (`loss: kl`, arXiv 2605.26097).
Their expected gradients are the same for texts at temperature 1; `kl` has less noise, and needs the
base's weights in memory and a forward pass of it. No earlier data are used.
"""

from collections.abc import Iterator

import torch

from lethe.data.examples import Example
from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.distillation import divergence
from lethe.methods.parts.retention.earlier import drawn, due
from lethe.methods.parts.retention.written import as_examples, pack, unpack, write
from lethe.models.forward import label_logits

WHICH_ARE_WRITTEN, WHICH = 303, 304  # distinguish these draws from others of the same seed


class SelfReplay(Method):
    """The base's texts and their loss."""

    def __init__(
        self,
        ratio: float,
        weight: float,
        loss: str,
        samples: int,
        max_length: int | None,
        temperature: float,
    ):
        self.ratio, self.weight, self.kind = ratio, weight, loss
        self.samples, self.max_length, self.temperature = samples, max_length, temperature
        self.texts: list[tuple[int, ...]] = []
        self.base: torch.nn.Module | None = None

    def before_stage(self, stage: Stage) -> None:
        if stage.index > 1 and not self.texts:
            raise UserError(
                "Self-generated replay: the parent's checkpoint holds no texts of its base; train "
                "the whole chain of stages with this method."
            )
        self.blank = stage.blank()
        writes, compares = stage.index == 1, self.kind == "kl" and self.weight
        base = stage.load_base() if writes or compares else None
        if writes:
            length = (self.max_length or self.blank.room) - len(self.blank.tokens)
            seed = (stage.seed, WHICH_ARE_WRITTEN)
            self.texts = write(
                base, self.blank, self.samples, length, self.temperature, seed, stage.counted
            )
        self.base = base if compares else None

    def step_loss(self, stage: Stage) -> Iterator[torch.Tensor]:
        count = due(stage.step, self.ratio * stage.batch_size)
        if not (self.weight and count):
            return
        texts = {
            number: self.texts[number] for number in drawn(stage, len(self.texts), count, WHICH)
        }
        share = self.weight * len(texts) / stage.batch_size
        for loss in self.texts_losses(stage, as_examples(texts, self.blank, "base")):
            yield share * loss

    def texts_losses(self, stage: Stage, examples: list[Example]) -> Iterator[torch.Tensor]:
        """Scalars in nats, one a micro-batch, whose sum is the mean over the texts' tokens of
        their cross-entropy or divergence."""
        for batch in stage.replay(examples, stage.step):
            if self.base is None:
                yield stage.plain_loss(stage.model, batch)
                continue
            with torch.no_grad():
                scores = label_logits(self.base, batch)
            yield divergence(label_logits(stage.model, batch), scores, batch.weights, 1.0)

    def state(self) -> dict[str, torch.Tensor]:
        return pack(self.texts) if self.texts else {}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        if state:
            self.texts = unpack(state)


METHOD = SelfReplay
