"""Lead-ins of many lengths between what is told and what is asked; one is kept for evaluation.

Their lengths vary, so that a model cannot find the asked fact by counting words.
"""

from __future__ import annotations

import numpy as np

LEAD_INS = (
    "well ,", "so ,", "now tell me :", "i want to know :", "let us see :", "think again ,",
    "you may ask this :", "we heard that", "the story says :", "remember now ,",
    "here is the question :", "and then ,",
)
HELD_OUT = "let us think :"
HELD_OUT_PHRASE = "let us think"


def lead_in(rng: np.random.Generator, most: int = 2) -> str:
    """None to `most` lead-ins, in token form; nothing or text that ends in a space."""
    count = int(rng.integers(0, most + 1))
    return "".join(LEAD_INS[i] + " " for i in rng.integers(len(LEAD_INS), size=count))


def asked_keys(rng: np.random.Generator, keys, values, count: int = 3) -> str:
    """`count` keys in random order, each before its value; the answer starts at the first value.

    Several answers a passage: three times as much to learn from for the same reading.
    """
    chosen = rng.permutation(len(keys))[:count]
    first, *rest = (f"{keys[i]} {'=> ' if n == 0 else ''}{values[i]}" for n, i in enumerate(chosen))
    return " , ".join([first, *rest])
