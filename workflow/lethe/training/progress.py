"""What a run of the training loop has done, and the guard over what every step finds."""

import math
from dataclasses import dataclass, field

import torch

from lethe.data.examples import Example
from lethe.errors import UserError


@dataclass
class Found:
    """What a step found, still on the device: to read it is to wait for the device.

    `settings` are those to change where it is not finite, see `Stage`.
    """

    step: int
    losses: list[torch.Tensor]
    norm: torch.Tensor
    rate: float
    examples: list[Example]
    settings: str


@dataclass
class Progress:
    """What a run has done: tokens (padding not counted), labels, and one row a step.

    `encoder_tokens` are those of the tokens that went through an encoder of their own. `halvings`
    are the steps at which memory ran out, each with the rows of a micro-batch from then on.
    """

    tokens: int = 0
    encoder_tokens: int = 0
    labels: int = 0
    rows: list[list[float]] = field(default_factory=list)
    halvings: list[list[int]] = field(default_factory=list)
    unread: Found | None = None

    def log(self) -> list:
        """All of it as plain values."""
        return [self.tokens, self.encoder_tokens, self.labels, self.rows, self.halvings]

    def note(self, found: Found, wait: bool) -> None:
        """Take up what a step found, now or when the next step comes.

        Raises:
            UserError: a loss or a gradient is not finite, or all gradients are zero.
        """
        self.read()
        self.unread = found
        if wait:
            self.read()

    def read(self) -> None:
        """Read what has not been read. Raises UserError as `note` does."""
        if self.unread is not None:
            found, self.unread = self.unread, None
            self.rows.append(checked(found))


def checked(found: Found) -> list[float]:
    """The row of the log of what a step found.

    Raises:
        UserError: a loss or a gradient is not finite, or all gradients are zero.
    """
    loss, norm = 0.0, float(found.norm)
    for part in found.losses:
        value = part.item()
        if not math.isfinite(value):
            raise UserError(_not_finite("loss", value, found))
        loss += value
    if not math.isfinite(norm):
        raise UserError(_not_finite("gradient norm", norm, found))
    if norm == 0.0:
        raise UserError(
            f"Nothing is training: the gradient of step {found.step} is zero in every parameter; "
            "look at the method's hyper-parameters and at which parameters are frozen."
        )
    return [found.step, loss, norm, found.rate]


def _not_finite(what: str, value: float, found: Found) -> str:
    names = ", ".join(example.id for example in found.examples[:4])
    return (
        f"Training stopped at step {found.step}: the {what} is {value}. Nothing was published. "
        f"The batch held the examples {names} and {max(0, len(found.examples) - 4)} more; lower "
        f"{found.settings} learning_rate or look at these examples."
    )
