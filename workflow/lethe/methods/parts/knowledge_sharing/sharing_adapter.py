"""An adapter whose gated maps see the states plus the knowledge of all domains so far (B-CL)."""

import torch
from torch import nn

from lethe.methods.parts.adapters import Adapter, initialise
from lethe.methods.parts.knowledge_sharing.capsules import routed, squash


class KnowledgeSharing(nn.Module):
    """Semantic capsules, one per domain, routed to transfer capsules and mapped back to the width.

    Every position of a text is routed separately, so lengths do not matter.

    Args:
        width: width of the states.
        size: numbers in a capsule.
        transfers: number of transfer capsules.
        iterations: iterations of the routing.

    Attributes:
        semantic: the map of each domain, width -> size.
        votes: [transfers, size, size] for each domain, the matrices W_ij; trained by all domains.
        back: the map from all transfer capsules to the width; trained by all domains.
        active: only the capsules of this many first domains take part; None: all.
    """

    def __init__(self, width: int, size: int, transfers: int, iterations: int):
        super().__init__()
        self.semantic = nn.ModuleList()
        self.votes = nn.ParameterList()
        self.back = nn.Linear(transfers * size, width)
        self.iterations = iterations
        self.active: int | None = None
        self._shape = (width, size, transfers)

    def add_domain(self, generator: torch.Generator) -> None:
        """Add the capsules of one more domain, on the device and in the dtype of the others.

        They are scaled for states of unit variance, since squashing makes small capsules vanish.
        """
        width, size, transfers = self._shape
        semantic = nn.Linear(width, size)
        nn.init.normal_(semantic.weight, 0.0, width**-0.5, generator=generator)
        nn.init.zeros_(semantic.bias)
        votes = torch.randn(transfers, size, size, generator=generator)
        example = self.back.weight
        self.semantic.append(semantic.to(example.device, example.dtype))
        self.votes.append(nn.Parameter(votes.to(example.device, example.dtype)))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """[..., width] -> [..., width]"""
        domains = slice(self.active)
        lower = torch.stack([capsule(states) for capsule in list(self.semantic)[domains]], -2)
        # Squares and softmaxes of the routing stay in full precision under autocast.
        lower, maps = squash(lower.float()), torch.stack(list(self.votes)[domains]).float()
        with torch.autocast(states.device.type, enabled=False):
            votes = torch.einsum("...is,ijsd->...ijd", lower, maps)
            upper, _ = routed(votes, self.iterations)
        return self.back(upper.flatten(-2).to(states.dtype))


class SharingAdapter(Adapter):
    """x + W_up gelu(W_down (x + k(x))) with the shared knowledge k; gates as in an adapter.

    Shared knowledge reaches the network only through the gated maps.
    """

    def __init__(self, width: int, bottleneck: int, sharing: KnowledgeSharing):
        super().__init__(width, bottleneck)
        self.sharing = sharing

    def added(
        self,
        states: torch.Tensor,
        down_gate: torch.Tensor | None = None,
        up_gate: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return super().added(states + self.sharing(states), down_gate, up_gate)


def add_domains(adapters: nn.ModuleDict, count: int, seed: int) -> None:
    """Add the capsules of `count` more domains to every adapter, drawn from the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    for adapter in adapters.values():
        for _ in range(count):
            adapter.sharing.add_domain(generator)


def freeze_domains(adapters: nn.ModuleDict) -> None:
    """Freeze the existing semantic capsules, which belong to earlier domains."""
    for adapter in adapters.values():
        adapter.sharing.semantic.requires_grad_(False)


def restrict(adapters: nn.ModuleDict, active: int | None) -> None:
    """Use only the capsules of the first `active` domains, or all (None)."""
    for adapter in adapters.values():
        adapter.sharing.active = active


def new_sharing(
    width: int, shape: tuple[int, int, int], generator: torch.Generator
) -> KnowledgeSharing:
    """A module without domains; `shape` is (size, transfers, iterations)."""
    sharing = KnowledgeSharing(width, *shape)
    initialise(sharing.back, generator)
    return sharing
