"""HAT-Adapter: hard attention on adapters in a frozen masked language model (Ke et al. 2023).

One set of bottleneck adapters is trained through all domains; each domain learns gates on both
layers of every adapter, and gradients are multiplied by 1 - min(a_l, a_{l-1}) of the cumulative
masks (Serra et al. 2018). The pretrained network never changes.

Gates need a domain's identity. Where it is not known (evaluations, end tasks) the adapters are in
the network without gates, and end tasks tune them with it.
"""

import torch
from torch import nn

from lethe.errors import UserError
from lethe.hard_attention.adapters import adapter_shares, adapter_sizes, build_adapters, insert
from lethe.hard_attention.domains import Domains, Settings
from lethe.hard_attention.protection import Protection
from lethe.methods.contract import Method, Stage
from lethe.training.loop import seed_of

PREFIX = "adapter/"


class HatAdapter(Method):
    """Hyper-parameters: `reduction` (width / bottleneck), and those of `Settings`."""

    needs_identity = True

    def __init__(self, reduction: int = 16, **settings):
        if not reduction >= 1:
            raise UserError(f"HAT-Adapter: expected reduction >= 1, found {reduction}.")
        self.reduction = reduction
        self.domains = Domains(Settings(**settings))
        self.adapters: nn.ModuleDict | None = None
        self.saved: dict[str, torch.Tensor] = {}
        self.protection: Protection | None = None
        self.hooks: list = []

    def _build(self, model, seed: int = 0) -> nn.ModuleDict:
        """The checkpoint's adapters, or new ones if it has none."""
        self.adapters = build_adapters(model, self.reduction, seed)
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
        self.extra = self._build(model).to(next(model.parameters()).dtype)
        insert(model, self.extra, None)
        return model

    def before_stage(self, stage: Stage) -> None:
        device = next(stage.model.parameters()).device
        adapters = self._build(stage.model, seed_of(stage.seed, 0)).to(device)
        embeddings = self.domains.begin(adapter_sizes(adapters), stage)
        self.extra = nn.ModuleDict({"adapters": adapters, "embeddings": embeddings})
        stage.model.requires_grad_(False)
        self.hooks = insert(stage.model, adapters, self.domains.gates)
        if self.domains.earlier:
            shares = adapter_shares(adapters, self.domains.used)
            self.protection = Protection(dict(adapters.named_parameters()), shares)

    def loss(self, stage: Stage, batch) -> torch.Tensor:
        penalty = self.domains.open(stage)
        # Weights sum to one over the micro-batches of a step, so the penalty counts once.
        return stage.plain_loss(stage.model, batch) + batch.weights.sum() * penalty

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

    def state(self) -> dict[str, torch.Tensor]:
        weights = self.adapters.state_dict() if self.adapters is not None else self.saved
        return {f"{PREFIX}{name}": value for name, value in weights.items()} | self.domains.state()

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        self.domains.load({k: v for k, v in state.items() if not k.startswith(PREFIX)})
        self.saved = {k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)}
        if self.adapters is not None:
            self._fill()


METHOD = HatAdapter
