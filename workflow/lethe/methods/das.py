"""DAS: continual pre-training with soft masks and a contrast (Ke et al. 2023, arXiv 2302.03241).

Written from the paper's equations. Named options cover what the authors' code does differently;
`methods/parameters/das.py` lists them.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace

import torch

from lethe.data.batches import Batch
from lethe.data.examples import Example
from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.softmask import importance as importances
from lethe.methods.parts.softmask.contrast import contrast, pairs
from lethe.methods.parts.softmask.gates import Importance, check_shapes, scaled
from lethe.methods.parts.softmask.importance import summaries
from lethe.methods.parts.softmask.masking import (
    factors,
    scale_gradients,
    scale_updates,
    taken_before,
)
from lethe.methods.parts.softmask.passes import DOMAIN, GENERAL, drawing, first_rows, subset_batches
from lethe.methods.parts.softmask.views import pooled_texts, view_of
from lethe.models.last_states import last_states, weighted_loss
from lethe.models.units import CROSS_HEADS, PLACES, units_of

STATE = {f"importance.{place}": place for place in PLACES}


class DAS(Method):
    """Soft masks that protect what units have learned, and a contrast with it (Eq. 2-8).

    The contrast's negatives come from the same micro-batch, so `micro_batch_rows` changes results
    here. The state is I^(<=t), normalised: `importance.heads`, `importance.intermediate`,
    `importance.output` and, of an encoder-decoder, `importance.cross_heads`, each [layers, units].
    The checkpoint is a plain model.

    Off masked language models, where the paper has nothing, these choices are ours: what the units
    are (`models/units.py`); a stage's importance is of the loss on a document's or a response's
    tokens, while gates act on the prompt's too; Eq. 4 compares the states that predict these
    tokens, and Eq. 7 the mean of these states, a decoder's last layer; a network without dropout
    has some at its gates, in Eq. 4's passes and Eq. 7's second view (`gate_dropout`).
    """

    micro_batches_add_up = False

    def __init__(self, **options) -> None:
        self.options = SimpleNamespace(**options)
        self.importance: Importance | None = None
        self._factors: dict[str, torch.Tensor] | None = None
        self._before: dict[str, torch.Tensor] = {}
        self._importances: dict[str, Importance] = {}

    def before_stage(self, stage: Stage) -> None:
        """Checks the state against the model; before the first domain it computes I^(0)."""
        if getattr(stage.model, "is_activation_checkpointing", False):
            raise UserError("Method 'das' needs the recipe's `recompute_activations: false`.")
        units = units_of(stage.model)
        if stage.index == 1:
            self.importance = self._general(stage)
        elif self.importance is None:
            raise UserError(
                f"Method 'das' has no importances of the stages before stage {stage.index}: it can "
                "only continue from a checkpoint of its own."
            )
        else:
            check_shapes(units, self.importance)
        if self.importance is not None:
            device = next(stage.model.parameters()).device
            self.importance = {p: values.to(device) for p, values in self.importance.items()}
        self._factors = self._masks(stage.model)

    def loss(self, stage: Stage, batch: Batch) -> torch.Tensor:
        """Eq. 8; a micro-batch's contrast is weighted by its share of the step's labels."""
        if self.options.contrast_weight == 0:
            return stage.plain_loss(stage.model, batch)
        hidden = last_states(stage.model, batch)
        total = weighted_loss(stage.model, batch, hidden)
        share = self.options.contrast_weight * batch.weights.sum()
        return total + share * self._contrast(stage, batch, hidden)

    def after_backward(self, stage: Stage) -> None:
        """Eq. 6 on gradients; for Eq. 6 on the update, a copy of the weights before it."""
        if not self.options.soft_mask or self.importance is None:
            return
        if self._factors is None:
            self._factors = self._masks(stage.model)
        if self.options.mask == "gradient":
            scale_gradients(stage.gradients(), self._factors)
        else:
            self._before = taken_before(stage.model, self._factors)

    def after_update(self, stage: Stage) -> None:
        """Eq. 6 on the update."""
        if self._before:
            scale_updates(stage.model, self._before, self._factors)
            self._before = {}

    def after_stage(self, stage: Stage) -> None:
        """The importance for the stage's own loss on the trained model, then Eq. 5."""
        with drawing(stage, DOMAIN):
            raw = self._of_loss(stage, DOMAIN)
        later = importances.normalised(raw, self.options.normalisation)
        general = {"general": self.importance} if stage.index == 1 and self.importance else {}
        self.importance = importances.accumulated(self.importance, later)
        self._importances = {**general, "domain": later, "accumulated": self.importance}

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """The change of masked parameters, weighted by their units' importance: I x change."""
        if self._factors is None or name not in self._factors:
            return None
        return (1.0 - self._factors[name]) * change

    def _masks(self, model) -> dict[str, torch.Tensor] | None:
        """1 - I by parameter; None: nothing is masked."""
        if not self.options.soft_mask or self.importance is None:
            return None
        return factors(model, self.importance, self.options.head_axis)

    def record(self) -> dict[str, torch.Tensor]:
        """I^(0) at the first stage, I^(t) and I^(<=t), summarised by layer."""
        return summaries(self._importances)

    def state(self) -> dict[str, torch.Tensor]:
        """I^(<=t) by place; empty before the first domain if there is no I^(0)."""
        if self.importance is None:
            return {}
        places = {name: place for name, place in STATE.items() if place in self.importance}
        return {name: self.importance[place].cpu() for name, place in places.items()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Raises UserError if the state is not one of this method."""
        least = set(STATE) - {f"importance.{CROSS_HEADS}"}
        if state and not least <= set(state) <= set(STATE):
            raise UserError(
                f"Expected {', '.join(sorted(least))} in the state of method 'das', found "
                f"{', '.join(sorted(state))}."
            )
        self.importance = {STATE[name]: values for name, values in state.items()} or None
        self._factors = None

    def _general(self, stage: Stage) -> Importance | None:
        """I^(0), by Eq. 4 or one of its ablations."""
        options = self.options
        if options.initialise == "none":
            return None
        with drawing(stage, GENERAL) as generator:
            if options.initialise == "random":
                raw = importances.random_importance(units_of(stage.model), generator)
            elif options.initialise in ("general", "domain"):
                raw = self._of_loss(stage, GENERAL, self._texts(stage))
            else:
                raw = importances.proxy_importance(
                    stage.model,
                    subset_batches(stage, GENERAL, options.subset, options.importance_batch),
                    axis=options.kl_axis,
                    dropout=options.proxy_dropout,
                    signed=options.signed,
                    view=view_of(stage.model, stage.family, options.gate_dropout),
                )
        return importances.normalised(raw, options.normalisation)

    def _of_loss(
        self, stage: Stage, purpose: int, examples: Sequence[Example] | None = None
    ) -> Importance:
        """Eq. 3 for the stage's loss on a subset of examples (None: its own); not normalised."""
        options = self.options
        return importances.domain_importance(
            stage.model,
            subset_batches(stage, purpose, options.subset, options.importance_batch, examples),
            original=options.importance_input == "original",
            dropout=options.importance_dropout,
            signed=options.signed,
        )

    def _texts(self, stage: Stage) -> Sequence[Example]:
        """The examples for I^(0) if it comes from a masked-language-model loss."""
        if self.options.initialise == "domain":
            return stage.examples
        examples = stage.load_general()
        if not examples:
            raise UserError(
                "Method 'das' with `initialise: general` expected general texts, found none: name "
                "a mixture of them as `general`, next to `hyper`, in the method's catalogue entry."
            )
        return examples

    def _contrast(self, stage: Stage, batch: Batch, hidden: torch.Tensor) -> torch.Tensor:
        """Eq. 7 on the first rows of a batch; `hidden` are the states of its masked input."""
        options, model = self.options, stage.model
        part = first_rows(batch, options.contrast_share)
        original = options.contrast_input == "original"
        full = last_states(model, part, original) if original else hidden[: len(part.input_ids)]
        with view_of(model, stage.family, options.gate_dropout)():
            full_plus = pooled_texts(last_states(model, part, original), part)
        views = pairs(pooled_texts(full, part), full_plus, options.pairing)
        previous = None
        if self.importance is not None:
            with (
                scaled(units_of(model), self.importance),
                torch.no_grad() if options.previous == "detached" else nullcontext(),
            ):
                previous = pooled_texts(last_states(model, part, original), part)
        return contrast(*views, previous, options.temperature)


METHOD = DAS
