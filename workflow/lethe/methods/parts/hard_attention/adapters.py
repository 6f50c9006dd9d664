"""Base of methods with gates and gated adapters: one set for all domains, protected by unit."""

import torch
from torch import nn

from lethe.data.draws import seed_of
from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.adapters import apply_adapters, new_adapters
from lethe.methods.parts.hard_attention.domains import Domains, Settings
from lethe.methods.parts.hard_attention.gates import Vectors, free_weight
from lethe.methods.parts.hard_attention.places import Protection


class GatedMethod(Method):
    """Base of methods with gates. `before_stage` of a subclass begins a domain, sets `hooks` and,
    from the second domain on, `protection`."""

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
        """The loss without the penalty, with the gates of the step active in the network."""
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

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """The change of gated parameters, by how far earlier domains' gates close it."""
        shares = self.protection.shares if self.protection is not None else {}
        share = shares.get(name.removeprefix("extra.adapters."))
        return None if share is None else (1 - share) * change


PREFIX = "adapter/"


def adapter_sizes(adapters: nn.ModuleDict) -> dict[str, int]:
    """Number of gated units by place, `PLACE_down` and `PLACE_up`."""
    return {
        f"{name}_{part}": getattr(adapter, part).out_features
        for name, adapter in adapters.items()
        for part in ("down", "up")
    }


def adapter_shares(adapters: nn.ModuleDict, used: Vectors) -> dict[str, torch.Tensor]:
    """Factors of the gradients of the gated maps' parameters, by their names in `adapters`."""
    shares = {}
    for name, adapter in adapters.items():
        down, up = used[f"{name}_down"], used[f"{name}_up"]
        shares[f"{name}.down.weight"] = free_weight(down, None, adapter.down.weight.shape)
        shares[f"{name}.up.weight"] = free_weight(up, down, adapter.up.weight.shape)
        shares |= {f"{name}.down.bias": 1 - down, f"{name}.up.bias": 1 - up}
    return shares


class GatedAdapterMethod(GatedMethod):
    """Base of methods with gated adapters; one that extends the adapters overrides `_new` and
    `_begin_domain`."""

    def __init__(self, reduction: int, **settings):
        super().__init__(**settings)
        self.reduction = reduction
        self.adapters: nn.ModuleDict | None = None
        self.saved: dict[str, torch.Tensor] = {}

    def _new(self, model, seed: int) -> nn.ModuleDict:
        """Untrained adapters, of the saved ones' shapes if there are any."""
        return new_adapters(model, self.reduction, seed)

    def _begin_domain(self, stage: Stage) -> None:
        """Add the parts of a new domain to `self.adapters`."""

    def _build(self, model, seed: int = 0) -> nn.ModuleDict:
        """The checkpoint's adapters, or new ones if it has none."""
        self.adapters = self._new(model, seed)
        if self.saved:
            self._fill()
        return self.adapters

    def _fill(self) -> None:
        try:
            self.adapters.load_state_dict(self.saved)
        except RuntimeError:
            raise UserError(
                "The parent's adapters do not fit this model; "
                "use one model and one set of sizes, such as `reduction`, in a chain of stages."
            ) from None

    def attach(self, model: nn.Module) -> nn.Module:
        self.extra = self._build(model)
        apply_adapters(model, self.extra)
        return model

    def before_stage(self, stage: Stage) -> None:
        adapters = self._build(stage.model, seed_of(stage.seed, 0))
        self._begin_domain(stage)
        embeddings = self.domains.begin(adapter_sizes(adapters), stage)
        self.extra = nn.ModuleDict({"adapters": adapters, "embeddings": embeddings})
        stage.model.requires_grad_(False)
        self.hooks = apply_adapters(stage.model, adapters, self.domains.gates)
        if self.domains.earlier:
            shares = adapter_shares(adapters, self.domains.used)
            self.protection = Protection(dict(adapters.named_parameters()), shares)

    def state(self) -> dict[str, torch.Tensor]:
        weights = self.adapters.state_dict() if self.adapters is not None else self.saved
        return {f"{PREFIX}{name}": value for name, value in weights.items()} | self.domains.state()

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        self.domains.load({k: v for k, v in state.items() if not k.startswith(PREFIX)})
        self.saved = {k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)}
        if self.adapters is not None:
            self._fill()
