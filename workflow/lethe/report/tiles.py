"""One of the numbers that a report begins with: its heading, interval, and what it is of."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tile:
    """One number.

    metric: of metrics.csv, times 100; empty if it is computed from several of its rows. method:
    whose it is. words: what the number is of, and what it does not say.
    """

    heading: str
    number: str
    interval: str
    words: str
    metric: str = ""
    method: str = ""


def tile(
    heading: str,
    number: tuple[float, float, float],
    words: str,
    metric: str = "",
    method: str = "",
    unit: str = " points",
    signed: bool = True,
    decimals: int = 1,
) -> Tile:
    """A number with its interval, in words."""
    ends = [f"{end:.{decimals}f}" for end in number[1:]]
    interval = "no interval" if np.isnan(number[1]) else " to ".join(ends)
    # A zero has no sign.
    sign = "+" if signed and round(number[0], decimals) else ""
    text = f"{number[0]:{sign}z.{decimals}f}{unit}"
    return Tile(heading, minus(text), minus(interval), minus(words.strip()), metric, method)


def next_to_plain(method: str, is_tied: bool) -> str:
    """The heading where even the best of the other methods kept less than plain training."""
    return f"{method} {'is tied with' if is_tied else 'kept less than'} plain training"


def minus(text: str) -> str:
    """With a real minus sign before digits."""
    return "".join(
        "−" if letter == "-" and text[place + 1 : place + 2].isdigit()
        and not text[place - 1 : place].strip(" [(")
        else letter
        for place, letter in enumerate(text)
    )  # fmt: skip


def interval(number: tuple, decimals: int = 1) -> str:
    """The interval behind a number within a sentence; nothing if there is none."""
    ends = ", ".join(f"{end:.{decimals}f}" for end in number[1:])
    return "" if np.isnan(number[1]) else f" [{ends}]"
