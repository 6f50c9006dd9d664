"""OSF as PEFT has it: gradients are projected, and AdamW undoes that in part.

PEFT's own layers (`peft.tuners.osf`; Nayak et al. 2025, arXiv 2504.07097) are put into the network
when a stage starts, and merged into its weights when it ends, so that a checkpoint is a plain
model. They train the factors U, S and V of the directions that are not kept, and nothing else:
norms and embeddings are frozen. The gradients of U and V are projected by PEFT's hooks. `osf` with
`others: frozen` is the same with the update projected.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.subspace.directions import Directions, matrices, strongest
from lethe.methods.parts.subspace.kept_share import require_kept

NAME = "default"
FACTORS = ("U_low", "S_low", "V_low")


class PeftSubspace(Method):
    """Puts PEFT's layers in and takes them out again; the loss is the stage's own."""

    def __init__(self, share: float):
        self.share = share
        self.layers: dict[str, nn.Module] = {}
        self.directions: dict[str, Directions] = {}

    def before_stage(self, stage: Stage) -> None:
        from peft import OSFConfig, inject_adapter_in_model

        weights = {id(parameter): p_name for p_name, parameter in matrices(stage.model)}
        targets = {
            name: module.weight
            for name, module in stage.model.named_modules()
            if isinstance(module, nn.Linear) and id(module.weight) in weights
        }
        self._require(targets, stage.model.config.model_type)
        self.directions = {n: strongest(w, self.share, "share") for n, w in targets.items()}
        config = OSFConfig(target_modules=list(targets), effective_rank=self.share)
        inject_adapter_in_model(config, stage.model, NAME)
        self.layers = {name: stage.model.get_submodule(name) for name in targets}

    def _require(self, targets: Mapping[str, torch.Tensor], model_type: str) -> None:
        """Refuse a network without linear layers, and a share that keeps nothing of one."""
        if not targets:
            raise UserError(
                f"Method 'osf_peft': PEFT's OSF is for linear layers, and a model of type "
                f"{model_type!r} has none; use the method `osf`."
            )
        smallest = min(min(weight.shape) for weight in targets.values())
        require_kept("Method 'osf_peft'", self.share, smallest)

    def after_stage(self, stage: Stage) -> None:
        with torch.no_grad():
            for name, layer in self.layers.items():
                layer._detach_hooks()
                layer.merge()
                stage.model.set_submodule(name, layer.get_base_layer())
        del stage.model.peft_config
        # What was trained, as costs count it.
        for name, parameter in stage.model.named_parameters():
            parameter.requires_grad_(name.removesuffix(".weight") in self.layers)
        self.layers = {}

    def changes(
        self, before: Mapping[str, torch.Tensor], now: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Of every matrix: the product U S V of the trained factors, which the stage adds to."""
        for name in self.layers:
            names = [f"{name}.osf_svd_params.{NAME}.{factor}" for factor in FACTORS]
            (left, values, right), old = ([each[n] for n in names] for each in (now, before))
            old = [value.to(left.device) for value in old]
            yield name, (left * values) @ right - (old[0] * old[1]) @ old[2]

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """What of a matrix's change lies in its kept directions, on either side."""
        return self.directions[name].held(change)


METHOD = PeftSubspace
