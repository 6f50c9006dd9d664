"""Soft masks: importances slow down the learning of units (Ke et al. 2023, Eq. 6)."""

from collections.abc import Mapping

import torch
from torch import nn

from lethe.methods.parts.softmask.gates import Importance, check_shapes
from lethe.models.units import (
    INTERMEDIATE,
    OUTPUT,
    Heads,
    Units,
    by_column,
    by_row,
    units_of,
    width_out,
)


def factors(model, importance: Importance, head_axis: str) -> dict[str, torch.Tensor]:
    """1 - I for each masked parameter, by name, in a shape that multiplies its gradient.

    Only these are masked (not embeddings, norms or the language-model head):
    - query, key and value by head: rows of the weight, and the bias; rows that several query heads
      read, by the most important of them;
    - the attention's output map by head: columns of the weight. Its bias belongs to no head;
    - the maps to the inner neurons (both, if one gates the other), and to the output neurons: rows
      of the weight, and the bias.

    With head_axis `released`, as in the authors' code: the columns of query, key and value, which
    are input features, and also the bias of the output map; neither belongs to a head.

    Raises:
        UserError: importances of another shape, or an unknown type of model.
    """
    units = units_of(model)
    check_shapes(units, importance)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    by_name: dict[str, torch.Tensor] = {}

    def put(module: nn.Module, by_weight: torch.Tensor, by_bias: torch.Tensor | None) -> None:
        by_name[names[id(module.weight)]] = by_weight.to(module.weight)
        bias = getattr(module, "bias", None)
        if by_bias is not None and bias is not None:
            by_name[names[id(bias)]] = by_bias.to(bias)

    released = head_axis == "released"
    for heads in units.attentions:
        free = 1.0 - importance[heads.place][heads.layer]
        columns = free.repeat_interleave(units.head_width)
        for module, rows in zip(heads.projections, rows_of_heads(heads, free, units), strict=True):
            put(module, by_column(columns, module) if released else by_row(rows, module), rows)
        put(heads.output, by_column(columns, heads.output), columns if released else None)
    for part in units.neurons:
        inner, output = (1.0 - importance[place][part.layer] for place in (INTERMEDIATE, OUTPUT))
        for module in part.inner:
            put(module, by_row(inner, module), inner)
        put(part.output, by_row(output, part.output), output)
    return by_name


def rows_of_heads(heads: Heads, free: torch.Tensor, units: Units) -> list[torch.Tensor]:
    """The values `free` [heads] at the output features of every projection of an attention."""
    if heads.fused == "heads":
        return [free.repeat_interleave(3 * units.head_width)]
    if heads.fused == "blocks":
        return [free.repeat_interleave(units.head_width).repeat(3)]
    rows = []
    for module in heads.projections:
        shared = units.heads * units.head_width // width_out(module)  # query heads a row serves
        least = free.unflatten(0, (-1, shared)).amin(1)
        rows.append(least.repeat_interleave(units.head_width))
    return rows


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
