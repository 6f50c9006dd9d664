"""Soft masks: importances slow down the learning of units (Ke et al. 2023, Eq. 6)."""

from collections.abc import Mapping

import torch

from lethe.methods.parts.softmask.gates import Importance, check_shapes
from lethe.models.encoder_units import encoder_of


def factors(model, importance: Importance, head_axis: str) -> dict[str, torch.Tensor]:
    """1 - I for each masked parameter, by name, in a shape that multiplies its gradient.

    Only these are masked (not embeddings, LayerNorm or the language-model head):

    - query, key and value by head: rows of the weight, and the bias;
    - attention.output.dense by head: columns of the weight, the features that come from a head.
      Its bias belongs to no head and is left alone;
    - intermediate.dense and output.dense by neuron: rows of the weight, and the bias.

    With head_axis `released`, heads are masked as in the authors' code: the columns of query, key
    and value, which are input features and belong to no head, and also the bias of
    attention.output.dense, whose features belong to no head either.

    Raises:
        UserError: importances of another shape, or an unknown type of model.
    """
    encoder = encoder_of(model)
    check_shapes(encoder, importance)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    by_name: dict[str, torch.Tensor] = {}

    def put(module: torch.nn.Linear, by_weight: torch.Tensor, by_bias: torch.Tensor | None) -> None:
        by_name[names[id(module.weight)]] = by_weight.to(module.weight)
        if by_bias is not None and module.bias is not None:
            by_name[names[id(module.bias)]] = by_bias.to(module.bias)

    for number, layer in enumerate(encoder.layers):
        free = {place: 1.0 - values[number] for place, values in importance.items()}
        heads = free["heads"].repeat_interleave(encoder.head_width)
        columns = heads[None, :]
        released = head_axis == "released"
        for module in (layer.query, layer.key, layer.value):
            put(module, columns if released else heads[:, None], heads)
        put(layer.attention_output, columns, heads if released else None)
        for place in ("intermediate", "output"):
            put(getattr(layer, place), free[place][:, None], free[place])
    return by_name


def scale_gradients(
    gradients: Mapping[str, torch.Tensor], by_name: Mapping[str, torch.Tensor]
) -> None:
    """Multiply the named gradients by their factors, in place; others are left alone.

    Adam nearly cancels a constant factor below one, since its update does not depend on the
    gradient's scale; only importances of exactly one stop a unit. `scale_updates` does not depend
    on the optimizer.
    """
    for name, factor in by_name.items():
        if name in gradients:
            gradients[name].mul_(factor)


def taken_before(model, by_name: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies of the masked parameters, for `scale_updates` after the optimizer's step."""
    return {
        name: parameter.detach().clone()
        for name, parameter in model.named_parameters()
        if name in by_name
    }


@torch.no_grad()
def scale_updates(
    model, before: Mapping[str, torch.Tensor], by_name: Mapping[str, torch.Tensor]
) -> None:
    """p = before + (1 - I) (after - before), in place; exact for importances of zero and of one."""
    for name, parameter in model.named_parameters():
        if name in before:
            factor = by_name[name].expand_as(parameter)
            parameter.copy_(torch.lerp(before[name], parameter, factor))


def update_ratios(
    before: Mapping[str, torch.Tensor],
    after: Mapping[str, torch.Tensor],
    plain: Mapping[str, torch.Tensor],
) -> dict[str, float]:
    """How far parameters moved with the mask, as a share of how far they move without it.

    Args:
        before, after, plain: parameters by name: at the start, after masked training, and after
            the same training without the mask. Only names in all three are compared.

    Returns:
        |after - before| / |plain - before| (Euclidean norms) by name; 1: the mask had no effect,
        NaN: the parameter does not move without the mask.
    """
    ratios = {}
    for name in before.keys() & after.keys() & plain.keys():
        moved = torch.linalg.vector_norm(plain[name].float() - before[name].float())
        masked = torch.linalg.vector_norm(after[name].float() - before[name].float())
        ratios[name] = float(masked / moved) if moved > 0 else float("nan")
    return dict(sorted(ratios.items()))
