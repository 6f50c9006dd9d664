"""DER++: replays a small buffer of examples with their stored logits (Buzzega et al. 2020).

L = L_stage + alpha MSE(logits, stored) + beta L(buffer), each term on its own draw from the buffer,
as in the authors' release. The buffer is a reservoir over the examples of all stages. Simplified:
an example is offered once per stage, with its logits at the end of the stage (there, during
training), so a stage replays only earlier stages. Memory: labels x vocabulary x 2 bytes per example
(float16).
"""

from collections.abc import Iterator

import numpy as np
import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.distillation import squared_error
from lethe.methods.parts.retention.reservoir import reservoir_slots
from lethe.methods.parts.retention.stored_logits import Entry, pack, stored_for, unpack
from lethe.models.forward import label_logits

WHICH_STAY, WHICH_REPLAY = 201, 202  # distinguish these draws from others of the same seed
DRAW = 0  # selects the masks for stored logits, in a masked language model


class DarkExperience(Method):
    """The buffer and its replay."""

    def __init__(self, alpha: float, beta: float, capacity: int, replayed: int):
        self.alpha, self.beta, self.capacity, self.replayed = alpha, beta, capacity, replayed
        self.entries: list[Entry] = []
        self.seen = 0
        self.examples: list = []

    def before_stage(self, stage: Stage) -> None:
        if stage.index > 1 and not self.entries:
            raise UserError(
                "DER++: the parent's checkpoint holds no buffer; "
                "train the whole chain of stages with this method."
            )
        if len(self.entries) > self.capacity:
            raise UserError(
                f"DER++: the parent's buffer holds {len(self.entries)} examples but `capacity` is "
                f"{self.capacity}; use one capacity in a chain of stages."
            )
        earlier = stage.load_replayed() if self.entries else []
        try:
            self.examples = [earlier[entry.stage][entry.index] for entry in self.entries]
        except IndexError:
            raise UserError(
                "DER++: the parent's buffer names examples that the earlier stages do not have; "
                "the data have changed since it was trained."
            ) from None

    def step_loss(self, stage: Stage) -> Iterator[torch.Tensor]:
        """Both terms of the replay, each on its own draw."""
        if not self.examples:
            return
        generator = np.random.default_rng([stage.seed, stage.step, WHICH_REPLAY])
        for_logits, for_labels = self._draw(generator), self._draw(generator)
        if self.alpha:
            for error in self.logits_errors(stage, for_logits):
                yield self.alpha * error
        if self.beta:
            for part in stage.replay([self.examples[place] for place in for_labels], stage.step):
                yield self.beta * stage.plain_loss(stage.model, part)

    def _draw(self, generator) -> list[int]:
        size = min(self.replayed, len(self.entries))
        return generator.choice(len(self.entries), size, replace=False).tolist()

    def logits_errors(self, stage: Stage, places: list[int]) -> Iterator[torch.Tensor]:
        """Scalars, one a micro-batch, whose sum is the weighted mean over labels of the squared
        error to the stored logits.

        An example that is drawn twice, since its task came twice, counts with its newest logits.
        """
        ordered = sorted(places, key=lambda place: self.entries[place].stage)
        named = {(self.examples[p].source, self.examples[p].id): p for p in ordered}
        places = [place for place in places if place in named.values()]
        chosen = {name: self.entries[place] for name, place in named.items()}
        for part in stage.replay([self.examples[place] for place in places], DRAW):
            logits = label_logits(stage.model, part)
            yield squared_error(logits, stored_for(part, chosen, logits.shape[1]), part.weights)

    def after_stage(self, stage: Stage) -> None:
        generator = np.random.default_rng([stage.seed, stage.index, WHICH_STAY])
        slots = reservoir_slots(self.seen, len(stage.examples), self.capacity, generator)
        order = generator.permutation(len(stage.examples))
        entries = dict(enumerate(self.entries))
        stage.model.eval()
        unit = "example for the buffer's logits"
        for slot, place in stage.counted(sorted(slots.items()), len(slots), unit):
            index = int(order[place])
            parts = stage.collate([stage.examples[index]], DRAW)
            with torch.no_grad():
                logits = torch.cat([label_logits(stage.model, part) for part in parts])
            targets = torch.cat([part.targets for part in parts])
            entries[slot] = Entry(
                stage.index - 1, index, targets.cpu().int(), logits.to("cpu", torch.float16)
            )
        self.seen += len(stage.examples)
        self.entries = [entries[slot] for slot in sorted(entries)]

    def state(self) -> dict[str, torch.Tensor]:
        return pack(self.entries, self.seen)

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        if state:
            self.entries, self.seen = unpack(state)


METHOD = DarkExperience
