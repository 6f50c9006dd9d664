"""What a run of the training loop has done, and the check of every step's result."""

import math
from dataclasses import dataclass, field

import torch

from lethe.data.examples import Example
from lethe.errors import UserError


@dataclass
class StepResult:
    """Losses and gradient norm of a step, still on the device: reading them waits for the device.

    `settings` names the settings to change if they are not finite, see `Stage`.
    """

    step: int
    losses: list[torch.Tensor]
    norm: torch.Tensor
    rate: float
    examples: list[Example]
    settings: str


@dataclass
class Progress:
    """What a run has done: tokens (padding not counted), labels, and one row per step.

    `encoder_tokens` counts the tokens that went through a separate encoder. `halvings` lists the
    steps at which memory ran out, each with the rows of a micro-batch from then on. `replayed` are
    the tokens that a method replayed, and how many of them went through a separate encoder; they
    are not among the others. `leaks` lists the metered steps with their shares, `leak` what the
    meter found of the whole stage.
    """

    tokens: int = 0
    encoder_tokens: int = 0
    labels: int = 0
    rows: list[list[float]] = field(default_factory=list)
    halvings: list[list[int]] = field(default_factory=list)
    replayed: list[int] = field(default_factory=lambda: [0, 0])
    leaks: list[list[float]] = field(default_factory=list)
    leak: dict[str, float] = field(default_factory=dict)
    unread: StepResult | None = None

    @property
    def last_loss(self) -> float | None:
        """Loss of the last step whose result was read."""
        return self.rows[-1][1] if self.rows else None

    def log(self) -> list:
        """All of it as plain values."""
        counts = [self.tokens, self.encoder_tokens, self.labels]
        return [*counts, self.rows, self.halvings, self.replayed, self.leaks]

    def note(self, result: StepResult, wait: bool) -> None:
        """Take a step's result, and read it now (`wait`) or when the next step comes.

        Raises:
            UserError: a loss or a gradient is not finite, or all gradients are zero.
        """
        self.read()
        self.unread = result
        if wait:
            self.read()

    def read(self) -> None:
        """Read the result that is still unread. Raises UserError as `note` does."""
        if self.unread is not None:
            result, self.unread = self.unread, None
            self.rows.append(checked(result))


def checked(result: StepResult) -> list[float]:
    """The row of the log for a step: step, loss, gradient norm, learning rate.

    Raises:
        UserError: a loss or a gradient is not finite, or all gradients are zero.
    """
    loss, norm = 0.0, float(result.norm)
    for part in result.losses:
        value = part.item()
        if not math.isfinite(value):
            raise UserError(_not_finite("loss", value, result))
        loss += value
    if not math.isfinite(norm):
        raise UserError(_not_finite("gradient norm", norm, result))
    if norm == 0.0:
        raise UserError(
            f"Nothing is training: the gradient of step {result.step} is zero in every parameter; "
            "check the method's hyper-parameters and which parameters are frozen."
        )
    return [result.step, loss, norm, result.rate]


def _not_finite(what: str, value: float, result: StepResult) -> str:
    names = ", ".join(example.id for example in result.examples[:4])
    return (
        f"Training stopped at step {result.step}: the {what} is {value}. Nothing was published. "
        f"The batch held the examples {names} and {max(0, len(result.examples) - 4)} more; lower "
        f"{result.settings} learning_rate or check these examples."
    )
