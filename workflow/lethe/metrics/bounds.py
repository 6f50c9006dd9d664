"""Where an outcome of a domain says nothing about methods: at the floor, or at the ceiling.

What learned nothing has nothing to forget; a score beside chance cannot fall, and two near 100
cannot be told apart. Tables mark such numbers, tests leave them out, and claims give them no
verdict. Scores are in points, losses in nats; nan is what is not known, and is at no bound.
"""

import math

NAN = float("nan")
# Points above the untrained base that count as learning: a seventh of what there is to learn in the
# miniature, where the base has about 34.
FLOOR_GAIN = 10.0
# At five points below 100 the smallest effects that claims ask for no longer fit above.
CEILING = 95.0
NEAR_CHANCE = 5.0
"""Points within which a score is at chance."""


def learned_too_little(
    own: float, base: float, chance: float = NAN, gain: float | None = None
) -> bool:
    """Whether a score right after its stage is not above that before any domain.

    Args:
        gain: by how much it must be; None for FLOOR_GAIN, or nothing at all where the base is as
            far above chance: it knows something then that can be forgotten.
    """
    if gain is None and base - chance >= FLOOR_GAIN:
        return False
    return own - base < (FLOOR_GAIN if gain is None else gain)


def learned_nothing(own: float, base: float, chance: float, gain: float | None = None) -> bool:
    """As `learned_too_little`, of scores whose chance level may be unknown, as that of end tasks.

    Then no floor is known either: a base from elsewhere may do well before any domain.
    """
    if math.isnan(chance) and gain is None:
        return False
    return learned_too_little(own, base, chance, gain)


def loss_fell_too_little(own: float, base: float, gain: float | None = None) -> bool:
    """Whether a loss right after its stage is not below that before any domain; None: at all."""
    return own >= base if gain is None else base - own < gain


def is_at_chance(score: float, chance: float) -> bool:
    """Whether a score is at most NEAR_CHANCE above chance."""
    return score - chance <= NEAR_CHANCE


def is_at_ceiling(score: float) -> bool:
    """Whether a score is CEILING or more."""
    return score >= CEILING
