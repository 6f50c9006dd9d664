"""The equations of hard attention to the task (Serra et al. 2018, arXiv 1801.01423).

An embedding e holds one number per unit. All functions work elementwise, or on dicts of such
vectors by the name of their place.
"""

import torch

Vectors = dict[str, torch.Tensor]


def annealed(step: int, steps: int, largest: float) -> float:
    """Slope s of the gates at `step` (from 0) of `steps` (Eq. 3).

    s = 1/smax + (smax - 1/smax) (b - 1)/(B - 1); smax if there is only one step.
    """
    if steps == 1:
        return largest
    return 1 / largest + (largest - 1 / largest) * step / (steps - 1)


def gate(embedding: torch.Tensor, slope: float) -> torch.Tensor:
    """a = sigmoid(s e) (Eq. 1)."""
    return torch.sigmoid(slope * embedding)


def final_gate(embedding: torch.Tensor, largest: float, hard: bool) -> torch.Tensor:
    """A domain's final gate: sigmoid(smax e), or its limit, 1 where e > 0 and else 0."""
    return (embedding > 0).to(embedding.dtype) if hard else gate(embedding, largest)


def compensation(
    embedding: torch.Tensor, slope: float, largest: float, limit: float
) -> torch.Tensor:
    """Factor of an embedding's gradient: smax [cosh(s e) + 1] / (s [cosh(e) + 1]) (section 2.5).

    Args:
        limit: s e is clamped to +-limit inside cosh, which overflows otherwise.
    """
    steep = torch.cosh((slope * embedding).clamp(-limit, limit)) + 1
    return largest / slope * steep / (torch.cosh(embedding) + 1)


def at_most(used: Vectors, gates: Vectors) -> Vectors:
    """Cumulative masks: the elementwise maximum over domains (section 2.3); {} at first."""
    return {
        name: torch.maximum(used[name], value) if used else value for name, value in gates.items()
    }


def penalty(gates: Vectors, used: Vectors) -> torch.Tensor:
    """Share of the still unused units that the gates use (Eq. 5), a scalar over all places.

    R = sum a (1 - a_before) / sum (1 - a_before); 0 if every unit is already used.
    """
    ones = {name: torch.ones_like(value) for name, value in gates.items()}
    free = {name: 1 - used[name] for name in gates} if used else ones
    total = sum(value.sum() for value in free.values())
    taken = sum((gates[name] * free[name]).sum() for name in gates)
    return taken / total if total > 0 else 0.0 * taken


def free_weight(
    used_output: torch.Tensor | None, used_input: torch.Tensor | None, shape: torch.Size
) -> torch.Tensor:
    """Factor of the gradient of a weight [output, input]: 1 - min(a_l,i , a_{l-1},j) (Eq. 2).

    None stands for units without a gate, which every domain uses.

    Returns:
        [output, input]
    """
    factor = torch.ones(shape, device=(used_input if used_output is None else used_output).device)
    if used_output is not None:
        factor = torch.minimum(factor, used_output[:, None])
    if used_input is not None:
        factor = torch.minimum(factor, used_input[None, :])
    return 1 - factor
