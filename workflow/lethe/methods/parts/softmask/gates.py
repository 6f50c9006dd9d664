"""Gates at a network's units, as hooks: their gradients without parameters, and their effect.

A gate g multiplies an output o (Ke et al. 2023, Eq. 2). At g = 1 the forward pass is unchanged and
dL/dg is the sum over positions of o * dL/do, so gradients are computed without explicit gates.
The outputs are the heads' context vectors (the input of the attention's output map), the inner
neurons (in an encoder their linear map's output before the activation, elsewhere what the next map
reads), and the feed-forward part's output before dropout and residual.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as functional

from lethe.data.batches import Batch
from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.errors import UserError
from lethe.models.units import CROSS_HEADS, HEADS, Gate, Units

Importance = dict[str, torch.Tensor]
"""[layers, units] of every place; for single samples [B, layers, units]."""


class Recorder:
    """Outputs at the gates: every forward pass adds one output per gate."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self._outputs: list[tuple[Gate, torch.Tensor]] = []

    def keep(self, gate: Gate, output: torch.Tensor) -> None:
        """Record an output [..., features]; in a frozen network it becomes differentiable here."""
        if not output.requires_grad:
            output.requires_grad_()
        self._outputs.append((gate, output))

    def gradients(self, loss: torch.Tensor, batch: Batch) -> Importance:
        """Gradient of the loss with respect to each text's gates, over all recorded passes.

        A gate acts at every position of its text, those of the prompt included, and in every
        recorded pass.

        Args:
            loss: the SUM over texts of losses that each depend on their own text only, so that
                gradients of texts do not mix.
            batch: what the passes read, with any number of texts in a row; padding contributes
                nothing.

        Returns:
            [B, layers, units] of every place, B texts. No parameter's `grad` is touched.

        Raises:
            UserError: no forward pass was recorded.
        """
        if not self._outputs:
            raise UserError("No gate recorded anything: the network was not run.")
        outputs = [output for _, output in self._outputs]
        gradients = torch.autograd.grad(loss, outputs, allow_unused=True)
        sums = {
            place: outputs[0].new_zeros(len(batch.example_ids), *shape)
            for place, shape in self.units.shapes().items()
        }
        for (gate, output), gradient in zip(self._outputs, gradients, strict=True):
            if gradient is None:
                continue
            product = _by_text(output.detach() * gradient, _documents(batch, gate))
            if gate.place in (HEADS, CROSS_HEADS):
                product = product.unflatten(-1, (self.units.heads, -1)).sum(-1)
            sums[gate.place][:, gate.layer] += product.to(sums[gate.place].device)
        return sums


def _documents(batch: Batch, gate: Gate) -> torch.Tensor:
    """Which text each token at a gate belongs to [R, L], -1 on padding."""
    if gate.source and isinstance(batch, Seq2SeqBatch):
        return batch.encoder_document_ids
    return batch.document_ids


def _by_text(product: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
    """Sums [B, features] over each text's tokens, of values [R, L, features], or rows joined."""
    documents = documents.to(product.device)
    product = product.view(*documents.shape, -1)
    mask = (documents >= 0).unsqueeze(-1)
    product = product.masked_fill(~mask, 0.0).float()
    texts = int(documents.max()) + 1
    if texts == len(documents):  # one text a row, in order
        return product.sum(1)
    sums = product.new_zeros(texts, product.shape[-1])
    return sums.index_add_(0, documents.flatten().clamp_min(0), product.flatten(0, 1))


@contextmanager
def recorded(units: Units) -> Iterator[Recorder]:
    """Within, records the outputs at the gates of every forward pass, unchanged."""
    recorder = Recorder(units)
    with _hooks(units, recorder.keep):
        yield recorder


@contextmanager
def scaled(units: Units, importance: Importance) -> Iterator[None]:
    """Within, multiplies the outputs at the gates by importances (o_prev of Eq. 7).

    Args:
        importance: [layers, units] of every place.
    """
    check_shapes(units, importance)

    def multiply(gate: Gate, output: torch.Tensor) -> torch.Tensor:
        factor = importance[gate.place][gate.layer].to(output)
        if gate.place in (HEADS, CROSS_HEADS):
            factor = factor.repeat_interleave(units.head_width)
        return output * factor

    with _hooks(units, multiply):
        yield


@contextmanager
def dropped(units: Units, share: float) -> Iterator[None]:
    """Within, dropout of this share on the outputs at the gates, for networks without their own.

    It is drawn from torch's global generator, as a network's own dropout is.
    """

    def drop(gate: Gate, output: torch.Tensor) -> torch.Tensor:
        return functional.dropout(output, share)

    with _hooks(units, drop):
        yield


def check_shapes(units: Units, importance: Importance) -> None:
    """Check that importances fit a network.

    Raises:
        UserError: a place is missing or has another shape.
    """
    for place, shape in units.shapes().items():
        found = tuple(importance[place].shape) if place in importance else "nothing"
        if found != shape:
            raise UserError(
                f"Expected an importance of {place} with the model's shape (layers, units) = "
                f"{shape}, found {found}: it belongs to another architecture."
            )


@contextmanager
def _hooks(units: Units, visit: Callable) -> Iterator[None]:
    """Calls visit(gate, output) at every gate; a returned value replaces the output."""
    with ExitStack() as stack:
        for gate in units.gates():
            stack.callback(_hook(gate, visit).remove)
        yield


def _hook(gate: Gate, visit: Callable):
    if gate.at_input:
        return gate.module.register_forward_pre_hook(lambda module, inputs: visit(gate, inputs[0]))
    return gate.module.register_forward_hook(lambda module, inputs, output: visit(gate, output))
