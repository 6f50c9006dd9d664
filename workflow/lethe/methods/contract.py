"""The contract of a method: the hooks that the training loop calls, and what they can access.

A method is a file `lethe/methods/NAME.py` with one subclass of `Method` called `METHOD`. It
overrides only the hooks that it needs. The order of a stage is

    before_stage -> for each step: (loss -> backward) for each micro-batch -> after_backward
                    -> clipping and optimizer update -> after_update
                 -> after_stage -> state, record

`step_loss` is called once a step, after the first micro-batch's backward pass.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from lethe.data.batches import Batch
from lethe.data.blank import Blank
from lethe.data.draws import seed_of
from lethe.data.examples import Example
from lethe.parametrisations.parametrised import Parametrisation


class Collate(Protocol):
    """Lays examples out as micro-batches; `draw` selects the masks of a masked language model.

    rows: largest number of rows in a micro-batch, None: all; lowered if memory runs out.
    """

    rows: int | None

    def __call__(self, examples: list[Example], draw: int = 0) -> list[Batch]: ...


class Counted(Protocol):
    """Yields the `of` items of a pass, and tells whoever watches the job how far it is.

    unit: what an item is, in words, as in "batch for the importances 3 of 40".
    """

    def __call__(self, items: Iterable, of: int, unit: str) -> Iterable: ...


def uncounted(items: Iterable, of: int, unit: str) -> Iterable:
    """The items, where nobody watches."""
    return items


@dataclass
class Stage:
    """What a method may read and change while a stage is trained.

    Attributes:
        model: the network being trained, in training mode.
        examples: the stage's training examples; one may be made whenever it is asked for.
        load_replayed: returns the training examples of every earlier stage, oldest first.
        load_general: returns examples of the general texts that the catalogue gives the method
            (`general`); empty except in a chain's first stage.
        load_parent: returns the parent's network, frozen and in evaluation mode (a fresh copy).
            LoRA is merged into it, and has no parameters of its own there.
        load_base: the same of the network that the chain began with; only for a method whose
            parameters say `needs_base`.
        collate: (examples, draw) -> micro-batches, laid out as the stage lays out its own. The
            draw, 0 by default, selects the masks of a masked language model; the stage itself uses
            the step as its draw.
        plain_loss: (model, batch) -> the stage's own loss on a batch, a scalar tensor.
        index: 1 for the first stage after the base.
        seed: the train seed; draw randomness from (seed, step), never from global state.
        steps: optimizer steps of this stage.
        step: the step now being taken, from 0.
        history: names of the mixtures so far, this stage's last.
        family: `causal`, `seq2seq` or `masked`.
        extra: the method's own parameters that are trained with the model's, or None.
        parametrisation: how parameters are trained: its `kind` and `settings`. What is trained has
            the values with which the stage begins when `before_stage` is called.
        dropout_seed: (seed, step, micro-batch) -> the seed of dropout.
        settings: owner of the settings in messages, as in "the recipe's `max_length`".
        batch_size: examples of the stage's own in a step.
        blank: returns how a text begins and ends, for a method that lets the network write one.
        replayed: [tokens, those of an encoder] that `replay` laid out in this step.
        trained: the parameters that are trained, in order, from the end of `before_stage` on.
        held: rules that act after the method, by the recipe's `unused_rows`.
        counted: (items, of, unit) -> the items; wrap in it every pass over many texts or matrices
            that a hook makes besides the steps, which would otherwise look like a job that hangs.
    """

    model: torch.nn.Module
    examples: Sequence[Example]
    load_replayed: Callable[[], Sequence[Sequence[Example]]]
    load_parent: Callable[[], torch.nn.Module]
    collate: Collate
    plain_loss: Callable[[torch.nn.Module, Batch], torch.Tensor]
    index: int
    seed: int
    steps: int
    step: int = 0
    history: list[str] = field(default_factory=list)
    family: str = "causal"
    extra: torch.nn.Module | None = None
    load_general: Callable[[], Sequence[Example]] = list
    load_base: Callable[[], torch.nn.Module] | None = None
    parametrisation: Parametrisation = field(default_factory=Parametrisation)
    dropout_seed: Callable[[int, int, int], int] = seed_of
    settings: str = "the recipe's"
    batch_size: int = 1
    blank: Callable[[], Blank] | None = None
    replayed: list[int] = field(default_factory=lambda: [0, 0])
    trained: list[torch.nn.Parameter] = field(default_factory=list)
    held: list["Method"] = field(default_factory=list)
    counted: Counted = uncounted

    def replay(self, examples: list[Example], draw: int = 0) -> list[Batch]:
        """Micro-batches of examples that a step learns from besides the stage's own.

        As `collate`, and their tokens are counted among what the stage cost.
        """
        encoded = sum(len(example.encoder_tokens) for example in examples)
        self.replayed[0] += encoded + sum(len(example.tokens) for example in examples)
        self.replayed[1] += encoded
        return self.collate(examples, draw)

    def trainable(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Named parameters that are trained; the method's own names start with `extra.`."""
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                yield name, parameter
        if self.extra is not None:
            for name, parameter in self.extra.named_parameters():
                if parameter.requires_grad:
                    yield f"extra.{name}", parameter

    def gradients(self) -> dict[str, torch.Tensor]:
        """Whole (unsharded) gradients of the global batch, by parameter name.

        Valid in `after_backward`; changing a tensor in place changes the update.
        """
        return {name: p.grad for name, p in self.trainable() if p.grad is not None}


class Method:
    """Base class and, unchanged, plain sequential fine-tuning."""

    needs_identity = False
    """True if the checkpoint needs the identity of the task that it is used for."""

    micro_batches_add_up = True
    """False if a loss compares the texts of a micro-batch with each other. Micro-batches are then
    not halved when memory runs out, since that would change the loss."""

    extra: torch.nn.Module | None = None
    """Parameters besides the model's (adapters, gates), set by `attach` or `before_stage`."""

    def attach(self, model: torch.nn.Module) -> torch.nn.Module:
        """Make a loaded network compute what the method's checkpoint computes, and return it.

        Called after `load_state` for every evaluation and end task, which do not know the task's
        identity. A method whose checkpoint is a plain model returns it unchanged; others add
        forward hooks, and set `extra` to the module with their parameters, so that an end task
        tunes them too.
        """
        return model

    def before_stage(self, stage: Stage) -> None:
        """Called once before the first step, and again when a stage is resumed."""

    def loss(self, stage: Stage, batch: Batch) -> torch.Tensor:
        """Scalar loss of a micro-batch; micro-batch losses add up to the loss of the step."""
        return stage.plain_loss(stage.model, batch)

    def step_loss(self, stage: Stage) -> torch.Tensor | Iterator[torch.Tensor] | None:
        """Scalar loss of the step itself, independent of micro-batches: a penalty on the weights,
        or replayed examples. None: no such loss.

        Several add up, such as those of replayed micro-batches; each is differentiated before the
        next is made, so that one graph is in memory at a time.

        Its gradient is added to the global batch's. If memory runs out within a step, the step
        starts again with smaller micro-batches and this is called again: draw from (seed, step),
        and do not count calls.
        """
        return None

    def after_backward(self, stage: Stage) -> None:
        """Called when the gradients of the global batch are complete, before clipping."""

    def after_update(self, stage: Stage) -> None:
        """Called after the optimizer has changed the parameters."""

    def after_stage(self, stage: Stage) -> None:
        """Called once after the last step; compute here what later stages need."""

    def changes(
        self, before: Mapping[str, torch.Tensor], now: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """What has changed between two moments, by name, as `protected` is asked about it.

        A method whose promise is about a product of parameters yields the product's change. A
        change is on the device of `now`.
        """
        for name, value in now.items():
            yield name, value - before[name].to(value.device)

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """The part of a parameter's change that lies in what the method says it protects.

        The leak meter compares its size with the change's. None: the method protects nothing of
        this parameter.

        Args:
            name: as in `changes`; by default of the parameter, as in `Stage.trainable`.
            change: of the parameter's shape, over a step or the whole stage.
        """
        return None

    def state(self) -> dict[str, torch.Tensor]:
        """Tensors of the checkpoint in addition to the weights; saved and hashed with it."""
        return {}

    def record(self) -> dict[str, torch.Tensor]:
        """Numbers about the stage for figures: a few tensors by name, of shape [], [layers] or
        [layers, units]. They are kept in the stage's manifest and collected in stages.csv.
        """
        return {}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Restore what `state` returned; called before `before_stage`.

        When an interrupted stage is resumed, this is called again after `before_stage`: parameters
        in training (`extra`) must then be changed in place.
        """
        if state:
            raise ValueError(f"{type(self).__name__} keeps no state, found {sorted(state)[:3]}")
