"""The gates of a chain of domains: those of earlier domains, and the one being trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from lethe.data.draws import seed_of
from lethe.errors import UserError
from lethe.methods.contract import Stage
from lethe.methods.parts.hard_attention.gates import (
    Vectors,
    annealed,
    at_most,
    compensation,
    final_gate,
    gate,
    penalty,
)


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters of hard attention; `methods/parameters/base.py` describes them."""

    largest: float
    sparsity: float
    hard: bool
    cosh_limit: float
    embedding_limit: float


@dataclass
class Domains:
    """Embeddings of every domain, cumulative masks, and how a stage uses them.

    Attributes:
        earlier: embeddings of finished domains, oldest first, by place.
        used: cumulative masks over them, by place; empty before the first domain is finished.
        current: the embeddings being trained, or None.
        gates: the gates of the current forward pass; hooks read them.
    """

    settings: Settings
    earlier: list[Vectors] = field(default_factory=list)
    used: Vectors = field(default_factory=dict)
    current: nn.ParameterDict | None = None
    gates: Vectors = field(default_factory=dict)

    def begin(self, sizes: dict[str, int], stage: Stage) -> nn.ParameterDict:
        """Embeddings of a new domain, drawn from N(0, 1); the earlier ones move to the device.

        Raises:
            UserError: the earlier domains' gates belong to other units.
        """
        device = next(stage.model.parameters()).device
        earlier_sizes = {name: len(value) for name, value in self.used.items()}
        if earlier_sizes and earlier_sizes != sizes:
            raise UserError(
                f"The parent has gates for {sum(earlier_sizes.values())} units, this stage for "
                f"{sum(sizes.values())}; use one model and one `layers` in a chain of stages."
            )
        self._move(device)
        generator = torch.Generator().manual_seed(seed_of(stage.seed, len(self.earlier)))
        drawn = {name: torch.randn(size, generator=generator) for name, size in sizes.items()}
        self.current = nn.ParameterDict(drawn).to(device)
        return self.current

    def slope(self, stage: Stage) -> float:
        return annealed(stage.step, stage.steps, self.settings.largest)

    def open(self, stage: Stage) -> torch.Tensor:
        """Set this step's gates; return their weighted penalty, a scalar."""
        slope = self.slope(stage)
        self.gates.update({name: gate(e, slope) for name, e in self.current.items()})
        return self.settings.sparsity * penalty(self.gates, self.used)

    def compensate(self, stage: Stage) -> None:
        """Undo the annealing's effect on the embeddings' gradients."""
        slope, settings = self.slope(stage), self.settings
        for e in self.current.values():
            if e.grad is not None:
                e.grad *= compensation(e.detach(), slope, settings.largest, settings.cosh_limit)

    @torch.no_grad()
    def clamp(self) -> None:
        for e in self.current.values():
            e.clamp_(-self.settings.embedding_limit, self.settings.embedding_limit)

    def finish(self) -> None:
        """The current domain becomes an earlier one."""
        self.earlier.append({name: e.detach().clone() for name, e in self.current.items()})
        self.used = at_most(self.used, self.of(len(self.earlier) - 1))
        self.current = None

    def of(self, number: int) -> Vectors:
        """The final gates of an earlier domain, counted from 0."""
        settings = self.settings
        return {
            name: final_gate(e, settings.largest, settings.hard)
            for name, e in self.earlier[number].items()
        }

    @contextmanager
    def under(self, number: int) -> Iterator[None]:
        """Within, the network has the gates of an earlier domain, counted from 0."""
        before = dict(self.gates)
        self.gates.update(self.of(number))
        try:
            yield
        finally:
            self.gates.update(before)

    def state(self) -> Vectors:
        """`domain/NUMBER/PLACE`, the domain in training last, and `used/PLACE`."""
        domains = [*self.earlier, *([dict(self.current)] if self.current is not None else [])]
        tensors = {f"used/{name}": value for name, value in self.used.items()}
        for number, vectors in enumerate(domains):
            tensors |= {f"domain/{number:04d}/{n}": e.detach() for n, e in vectors.items()}
        return tensors

    @torch.no_grad()
    def load(self, state: Vectors) -> None:
        """Load what `state` returned; during training the last domain's values go into `current`.

        Raises:
            UserError: a tensor that does not belong to hard attention.
        """
        numbered: dict[str, Vectors] = {}
        used = {}
        for key, value in sorted(state.items()):
            group, _, rest = key.partition("/")
            number, _, name = rest.partition("/")
            if group == "domain" and name:
                numbered.setdefault(number, {})[name] = value.clone()
            elif group == "used":
                used[rest] = value.clone()
            else:
                raise UserError(
                    f"Expected a method state of hard attention in the parent, found {key!r}; "
                    "train the whole chain of stages with this method."
                )
        domains = list(numbered.values())
        if self.current is None:
            self.earlier, self.used = domains, used
            return
        for name, e in domains.pop().items():
            self.current[name].copy_(e)
        self.earlier, self.used = domains, used
        self._move(next(iter(self.current.values())).device)

    def _move(self, device: torch.device) -> None:
        self.used = {name: value.to(device) for name, value in self.used.items()}
        self.earlier = [{n: e.to(device) for n, e in vectors.items()} for vectors in self.earlier]
