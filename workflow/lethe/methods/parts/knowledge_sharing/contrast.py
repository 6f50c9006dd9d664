"""The contrast between current and earlier domains' representations of a text (CLASSIC)."""

import torch
import torch.nn.functional as functional
from torch import nn


def new_attention(width: int, inner: int, seed: int) -> nn.ModuleDict:
    """Maps `query` and `key`, width -> inner, drawn from the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    maps = nn.ModuleDict({name: nn.Linear(width, inner, bias=False) for name in ("query", "key")})
    for linear in maps.values():
        nn.init.normal_(linear.weight, 0.0, width**-0.5, generator=generator)
    return maps


def mixed(
    current: torch.Tensor, earlier: torch.Tensor, query: torch.Tensor, key: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention-weighted mix of a text's representations under earlier domains' gates.

    Args:
        current: [N, width] under the gates of the domain being trained; the queries.
        earlier: [N, K, width] under the gates of K earlier domains; keys and values.
        query, key: [inner, width]

    Returns:
        The mix [N, width], and its weights [N, K], which sum to 1 over K.
    """
    queries = functional.linear(current, query)
    keys = functional.linear(earlier, key)
    scores = (keys @ queries.unsqueeze(-1)).squeeze(-1) / queries.shape[-1] ** 0.5
    weights = scores.softmax(-1)
    return (weights.unsqueeze(-1) * earlier).sum(1), weights


def two_view_contrast(
    first: torch.Tensor, second: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Supervised contrast (Khosla et al. 2020, Eq. 2) of two views [N, width], a scalar in nats.

    Without labels each text is its own class, so a view's positive is the other view of the same
    text: 1/2N sum_a -log(e^s(a, p(a)) / sum_(b != a) e^s(a, b)) over all 2N views, where s is the
    cosine divided by the temperature.
    """
    count = len(first)
    views = functional.normalize(torch.cat([first, second]).float(), dim=-1)
    # In full precision under autocast: a cosine's rounding is divided by the temperature.
    with torch.autocast(views.device.type, enabled=False):
        scores = views @ views.T / temperature
    itself = torch.eye(2 * count, dtype=torch.bool, device=scores.device)
    positives = torch.arange(2 * count, device=scores.device).roll(count)
    return functional.cross_entropy(scores.masked_fill(itself, -torch.inf), positives)
