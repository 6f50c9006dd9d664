"""The leak meter: how much of a stage's change lies in what its method says it protects.

A promise about gradients is not one about weights: AdamW divides every element by its own scale,
adds what it remembers of earlier steps, and decays. So the meter looks at the weights.

Cost, for methods that protect something: a copy of the protected parameters in host memory, and
another one during each of the `STEPS` metered steps of a stage, after which every change is
projected once. It changes nothing in training.
"""

from collections.abc import Mapping

import torch

from lethe.data.draws import seed_of
from lethe.methods.contract import Method, Stage

STEPS = 8
"""Steps of a stage that are metered, evenly spaced."""
UNDIRECTED = 103  # distinguishes the draw of a change without direction from others of a seed
Tensors = dict[str, torch.Tensor]


class LeakMeter:
    """Shares |P(change)| / |change|, P(change) the part that the method protects from.

    Norms are Euclidean, over all parameters of which the method protects something.

    Attributes:
        start: these parameters at the stage's start, in host memory; of a resumed stage, its
            parent's: the meter begins before a snapshot is read.
        at: the metered steps.
    """

    def __init__(self, stage: Stage, method: Method, names: list[str], last: int):
        self.stage, self.method, self.names = stage, method, names
        self.start = self._copies()
        self.at = {(2 * place + 1) * last // (2 * STEPS) for place in range(STEPS)}
        self.before: Tensors = {}

    def before_step(self) -> None:
        """Remember the parameters, if the stage's step is metered."""
        if self.stage.step in self.at:
            self.before = self._copies()

    def after_step(self) -> list[list[float]]:
        """[[step, share]] of the step now taken if it is metered, else []."""
        if not self.before:
            return []
        held, whole, _ = self._sizes(self.before)
        self.before = {}
        return [[self.stage.step, held / whole if whole else 0.0]]

    def of_stage(self, shares: list[list[float]]) -> dict[str, float]:
        """What is recorded of the stage, before its method computes what later stages need.

        `leak.step`: mean share of the metered steps; `leak.stage`: share of the whole change;
        `leak.undirected`: share of a change of the same shapes drawn at random, what would leak
        without any protection; `leak.parameters`: how many numbers are metered.
        """
        held, whole, count = self._sizes(self.start)
        random, of, _ = self._sizes(self.start, drawn=True)
        steps = [share for _, share in shares]
        return {
            "leak.step": sum(steps) / len(steps) if steps else 0.0,
            "leak.stage": held / whole if whole else 0.0,
            "leak.undirected": random / of,
            "leak.parameters": count,
        }

    def _now(self) -> Tensors:
        trained = dict(self.stage.trainable())
        return {name: trained[name].detach() for name in self.names}

    def _copies(self) -> Tensors:
        return {name: value.to("cpu", copy=True) for name, value in self._now().items()}

    def _sizes(self, before: Mapping[str, torch.Tensor], drawn: bool = False):
        """Norms of the protected part and of the whole change since `before`, and its numbers.

        drawn: of normally distributed numbers in the place of the change.
        """
        held, whole, count = [], [], 0
        for place, (name, change) in enumerate(self.method.changes(before, self._now())):
            if drawn:
                seed = seed_of(self.stage.seed, UNDIRECTED, place)
                draw = torch.Generator(change.device).manual_seed(seed)
                change = torch.randn(change.shape, generator=draw, device=change.device)
            part = self.method.protected(name, change)
            if part is not None:
                held.append(torch.linalg.vector_norm(part).cpu())
                whole.append(torch.linalg.vector_norm(change).cpu())
                count += change.numel()
        sums = [torch.stack(norms).double().norm().item() for norms in (held, whole)]
        return *sums, count


def leak_meter(stage: Stage, method: Method, last: int) -> LeakMeter | None:
    """The meter of a stage of `last` steps; None if its method protects nothing."""
    if type(method).protected is Method.protected:
        return None
    now = {name: p.detach() for name, p in stage.trainable()}
    metered = [
        n for n, change in method.changes(now, now) if method.protected(n, change) is not None
    ]
    if not metered:
        return None
    # A change that is no parameter's own is made of parameters that only the method knows.
    names = metered if now.keys() >= set(metered) else list(now)
    return LeakMeter(stage, method, names, last)
