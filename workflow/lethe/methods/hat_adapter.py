"""HAT-Adapter: hard attention on adapters in a frozen masked language model (Ke et al. 2023).

One set of bottleneck adapters is trained through all domains; each domain learns gates on both
layers of every adapter, and gradients are multiplied by 1 - min(a_l, a_{l-1}) of the cumulative
masks (Serra et al. 2018). The pretrained network never changes.

Gates need a domain's identity. Where it is not known (evaluations, end tasks) the adapters are in
the network without gates, and end tasks tune them with it.
"""

import torch
from torch import nn

from lethe.adapters import apply_adapters, new_adapters
from lethe.errors import UserError
from lethe.hard_attention.gates import Vectors, free_weight
from lethe.hard_attention.method import GatedMethod
from lethe.hard_attention.protection import Protection
from lethe.methods.contract import Stage
from lethe.training.loop import seed_of

PREFIX = "adapter/"


def adapter_sizes(adapters: nn.ModuleDict) -> dict[str, int]:
    """Number of gated units by place, `PLACE_down` and `PLACE_up`."""
    return {
        f"{name}_{part}": getattr(adapter, part).out_features
        for name, adapter in adapters.items()
        for part in ("down", "up")
    }


def adapter_shares(adapters: nn.ModuleDict, used: Vectors) -> dict[str, torch.Tensor]:
    """Factors of the gradients of all adapter parameters, by their names in `adapters`."""
    shares = {}
    for name, adapter in adapters.items():
        down, up = used[f"{name}_down"], used[f"{name}_up"]
        shares[f"{name}.down.weight"] = free_weight(down, None, adapter.down.weight.shape)
        shares[f"{name}.up.weight"] = free_weight(up, down, adapter.up.weight.shape)
        shares |= {f"{name}.down.bias": 1 - down, f"{name}.up.bias": 1 - up}
    return shares


class HatAdapter(GatedMethod):
    """Hyper-parameters: `reduction` (width / bottleneck), and those of `Settings`."""

    def __init__(self, reduction: int = 16, **settings):
        super().__init__(**settings)
        self.reduction = reduction
        self.adapters: nn.ModuleDict | None = None
        self.saved: dict[str, torch.Tensor] = {}

    def _build(self, model, seed: int = 0) -> nn.ModuleDict:
        """The checkpoint's adapters, or new ones if it has none."""
        self.adapters = new_adapters(model, self.reduction, seed)
        if self.saved:
            self._fill()
        return self.adapters

    def _fill(self) -> None:
        try:
            self.adapters.load_state_dict(self.saved)
        except RuntimeError:
            raise UserError(
                "The parent's adapters do not fit this model; "
                "give a chain of stages one model and one `reduction`."
            ) from None

    def attach(self, model: nn.Module) -> nn.Module:
        self.extra = self._build(model)
        apply_adapters(model, self.extra)
        return model

    def before_stage(self, stage: Stage) -> None:
        adapters = self._build(stage.model, seed_of(stage.seed, 0))
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


METHOD = HatAdapter
