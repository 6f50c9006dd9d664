"""Gates at an encoder's units, as hooks: their gradients without parameters, and their effect.

A gate g multiplies an output o (Ke et al. 2023, Eq. 2). At g = 1 the forward pass is unchanged and
dL/dg is the sum over positions of o * dL/do, so gradients are computed without explicit gates.
The outputs are the heads' context vectors (the input of attention.output.dense), the intermediate
layer's linear output before its activation, and the output layer's before dropout and residual.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from lethe.errors import UserError
from lethe.models.encoder_units import PLACES, Encoder, Layer

Importance = dict[str, torch.Tensor]
"""[layers, units] of every place; for single samples [B, layers, units]."""


class Recorder:
    """Outputs at the gates: every forward pass adds one output per gate."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._outputs: list[tuple[str, int, torch.Tensor]] = []

    def keep(self, place: str, layer: int, output: torch.Tensor) -> None:
        """Record an output [B, L, features]; in a frozen encoder it becomes differentiable here."""
        if not output.requires_grad:
            output.requires_grad_()
        self._outputs.append((place, layer, output))

    def gradients(self, loss: torch.Tensor, tokens: torch.Tensor) -> Importance:
        """Gradient of the loss with respect to each sample's gates, over all recorded passes.

        Args:
            loss: the SUM over samples of losses that each depend on their own sample only, so that
                gradients of samples do not mix.
            tokens: [B, L] true on tokens; padding contributes nothing.

        Returns:
            [B, layers, units] of every place. No parameter's `grad` is touched.

        Raises:
            UserError: no forward pass was recorded.
        """
        if not self._outputs:
            raise UserError("No gate recorded anything: the encoder was not run.")
        outputs = [output for _, _, output in self._outputs]
        gradients = torch.autograd.grad(loss, outputs, allow_unused=True)
        sums = {
            place: outputs[0].new_zeros(len(tokens), *shape)
            for place, shape in self.encoder.shapes().items()
        }
        mask = tokens.to(outputs[0].device).bool().unsqueeze(-1)
        for (place, layer, output), gradient in zip(self._outputs, gradients, strict=True):
            if gradient is None:
                continue
            product = (output.detach() * gradient).masked_fill(~mask, 0.0).float().sum(1)
            if place == "heads":
                product = product.unflatten(-1, (self.encoder.heads, -1)).sum(-1)
            sums[place][:, layer] += product
        return sums


@contextmanager
def recorded(encoder: Encoder) -> Iterator[Recorder]:
    """Within, records the outputs at the gates of every forward pass, unchanged."""
    recorder = Recorder(encoder)

    def note(place: str, layer: int, output: torch.Tensor) -> None:
        recorder.keep(place, layer, output)

    with _hooks(encoder, note):
        yield recorder


@contextmanager
def scaled(encoder: Encoder, importance: Importance) -> Iterator[None]:
    """Within, multiplies the outputs at the gates by importances (o_prev of Eq. 7).

    Args:
        importance: [layers, units] of every place.
    """
    check_shapes(encoder, importance)

    def multiply(place: str, layer: int, output: torch.Tensor) -> torch.Tensor:
        factor = importance[place][layer].to(output)
        if place == "heads":
            factor = factor.repeat_interleave(encoder.head_width)
        return output * factor

    with _hooks(encoder, multiply):
        yield


def check_shapes(encoder: Encoder, importance: Importance) -> None:
    """Check that importances fit an encoder.

    Raises:
        UserError: a place is missing or has another shape.
    """
    for place, shape in encoder.shapes().items():
        found = tuple(importance[place].shape) if place in importance else "nothing"
        if found != shape:
            raise UserError(
                f"Expected an importance of {place} with the model's shape (layers, units) = "
                f"{shape}, found {found}: it belongs to another architecture."
            )


@contextmanager
def _hooks(encoder: Encoder, visit: Callable) -> Iterator[None]:
    """Calls visit(place, layer, output) at every gate; a returned value replaces the output."""
    with ExitStack() as stack:
        for number, layer in enumerate(encoder.layers):
            for place in PLACES:
                handle = _hook(layer, place, number, visit)
                stack.callback(handle.remove)
        yield


def _hook(layer: Layer, place: str, number: int, visit: Callable):
    if place == "heads":
        # A head has no module of its own: its output is the input of the next module.
        return layer.attention_output.register_forward_pre_hook(
            lambda module, inputs: visit(place, number, inputs[0])
        )
    return getattr(layer, place).register_forward_hook(
        lambda module, inputs, output: visit(place, number, output)
    )
