"""Learning-rate schedules: a factor of the peak rate, as a function of the step."""

import math


def factor(step: int, steps: int, schedule: str, warmup_steps: int, final: float) -> float:
    """Share of the peak learning rate at a step.

    Args:
        step: from 0.
        steps: optimizer steps in all.
        schedule: `constant`, `linear` or `cosine`, each after a linear warm-up.
        warmup_steps: steps over which the rate rises from 1/warmup_steps to 1.
        final: share of the peak at the end of `linear` and `cosine`.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    if schedule == "linear":
        return 1.0 - (1.0 - final) * progress
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))
