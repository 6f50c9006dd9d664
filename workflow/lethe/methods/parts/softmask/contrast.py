"""The contrast between full and previously learned knowledge (Ke et al. 2023, Eq. 7)."""

import torch
import torch.nn.functional as functional


def pooled(states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Mean [B, width] of states [B, L, width] over the positions where tokens [B, L] is true."""
    mask = tokens.unsqueeze(-1).to(states.device, torch.float32)
    return (states.float() * mask).sum(1) / mask.sum(1).clamp_min(1.0)


def contrast(
    full: torch.Tensor,
    full_plus: torch.Tensor,
    previous: torch.Tensor | None,
    temperature: float,
) -> torch.Tensor:
    """Eq. 7, a scalar: -1/N sum_n log(e^s(n, n+) / sum_j (e^s(n, j+) + e^s(n, prev_j))).

    s is the cosine divided by the temperature.

    Args:
        full, full_plus, previous: [N, width]; row n of full_plus is the positive of row n of full.
            Without `previous` (nothing was learned before) this is Eq. 1.
    """
    others = full_plus if previous is None else torch.cat([full_plus, previous])
    rows = functional.normalize(full.float(), dim=-1)
    columns = functional.normalize(others.float(), dim=-1)
    # In full precision under autocast: a cosine's rounding is divided by the temperature.
    with torch.autocast(rows.device.type, enabled=False):
        scores = rows @ columns.T / temperature
    return functional.cross_entropy(scores, torch.arange(len(full), device=full.device))


def pairs(
    full: torch.Tensor, full_plus: torch.Tensor, pairing: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two views [N, width] whose rows are positives of each other.

    `same`: two dropout views of one sequence (the paper). `released`: the authors' code lays the
    2N views x1..xN, x1..xN out and pairs neighbours, so that the positives are the DIFFERENT
    sequences x1 and x2, x3 and x4, and so on, each pair twice.
    """
    if pairing == "same":
        return full, full_plus
    views = torch.cat([full, full_plus])
    return views[0::2], views[1::2]
