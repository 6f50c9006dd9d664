"""What methods share that train every stage from the base, and merge the stages' changes."""

from abc import abstractmethod

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.merging.vectors import Tensors
from lethe.methods.parts.retention.anchors import those_of_base


class FromBase(Method):
    """Base of methods whose checkpoint is the base plus one change merged from all stages.

    A stage starts from the base's weights, not from its parent's. After the last step its task
    vector (its weights less the base's, float32, on the CPU) is added to those of the stages
    before, and the checkpoint's weights become base + merged. The vectors are the method's state.

    name: in messages.
    """

    name = ""

    @abstractmethod
    def empty(self) -> bool:
        """Whether no stage has been added yet."""

    @abstractmethod
    def add(self, vector: Tensors, stage: Stage) -> None:
        """Take the task vector of a stage."""

    @abstractmethod
    def merged(self, name: str) -> torch.Tensor:
        """The change of one parameter, of all stages so far, on the CPU."""

    @abstractmethod
    def shapes(self) -> dict[str, torch.Size]:
        """Names and shapes of the parameters that the state has vectors of."""

    @torch.no_grad()
    def before_stage(self, stage: Stage) -> None:
        base = those_of_base(stage, self.name)
        trained = dict(stage.trainable())
        if self.empty():
            self._require_base(trained, base)
        else:
            self._require_fitting(trained)
        for name, p in trained.items():
            p.copy_(base[name])

    def _require_base(self, trained: Tensors, base: Tensors) -> None:
        """Refuse a parent that was trained, but without task vectors of how."""
        if not all(torch.equal(p, base[name]) for name, p in trained.items()):
            raise UserError(
                f"{self.name}: the parent's checkpoint holds no task vectors and is not the base "
                "itself; train the whole chain of stages with this method."
            )

    def _require_fitting(self, trained: Tensors) -> None:
        shapes = self.shapes()
        differing = sorted(shapes.keys() ^ trained.keys())
        differing += [n for n, p in trained.items() if n in shapes and shapes[n] != p.shape]
        if differing:
            raise UserError(
                f"{self.name}: the parent's task vectors do not fit the model at "
                f"{differing[0]!r}; use one model, trained alike, in a chain of stages."
            )

    @torch.no_grad()
    def after_stage(self, stage: Stage) -> None:
        base = those_of_base(stage, self.name)
        trained = dict(stage.trainable())
        vector = {name: (p - base[name]).float().cpu() for name, p in trained.items()}
        self.add(vector, stage)
        for name, p in trained.items():
            p.copy_(base[name] + self.merged(name).to(p.device, p.dtype))
