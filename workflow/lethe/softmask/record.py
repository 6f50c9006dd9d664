"""Importances summed up by layer, small enough for a stage's manifest."""

import torch

from lethe.softmask.gates import Importance

QUANTILES = {"low": 0.1, "median": 0.5, "high": 0.9}
DECIMALS = 6


def summaries(known: dict[str, Importance]) -> dict[str, torch.Tensor]:
    """Every importance by place, of layers and, for heads, of each head.

    Args:
        known: importances by what they are of: `general`, `domain`, `accumulated`.

    Returns:
        `importance.OF.PLACE.MEASURE` [layers] with the measures `mean`, `above_half` (share of
        units above 0.5) and the deciles `low`, `median`, `high` of the layer's units; and
        `importance.OF.heads.unit` [layers, heads].
    """
    found = {}
    for of, places in known.items():
        for place, values in places.items():
            values = values.detach().double().cpu()
            name = f"importance.{of}.{place}"
            found[f"{name}.mean"] = values.mean(-1)
            found[f"{name}.above_half"] = (values > 0.5).double().mean(-1)
            for word, level in QUANTILES.items():
                found[f"{name}.{word}"] = values.quantile(level, -1)
            if place == "heads":
                found[f"{name}.unit"] = values
    return {name: value.round(decimals=DECIMALS) for name, value in found.items()}
