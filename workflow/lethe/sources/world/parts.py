"""What every generator of the world returns, and the functions that all of them share.

Generators write in token form: lower-case words and punctuation separated by single spaces.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field

import numpy as np

from lethe.errors import UserError

Rows = dict[str, list[dict]]
PATIENCE = 3000


@dataclass
class Part:
    """One generator's share of the world.

    documents: corpus documents in token form, by kind.
    sets: evaluation rows by set name and split ("dev", "test").
    phrases: for each set, word sequences of which every evaluation prompt contains one and
        no corpus document contains any (the held-out templates).
    names: words to be written with a capital.
    """

    documents: dict[str, list[str]] = field(default_factory=dict)
    sets: dict[str, Rows] = field(default_factory=dict)
    phrases: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def stream(seed: int, part: str) -> np.random.Generator:
    """A generator that depends on the world seed and the part's name alone."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def zipf_weights(count: int, exponent: float, shift: float) -> np.ndarray:
    """Probabilities proportional to 1 / (rank + shift) ** exponent, rank from 0; sum 1."""
    weights = 1.0 / (np.arange(count) + shift) ** exponent
    return weights / weights.sum()


def pick(rng: np.random.Generator, options):
    """One uniformly drawn element of a sequence."""
    return options[int(rng.integers(len(options)))]


def sample(rng: np.random.Generator, options, count: int) -> list:
    """`count` different elements of a sequence in random order."""
    return [options[i] for i in rng.permutation(len(options))[:count]]


def content_id(*fields: str) -> str:
    """Twelve hex digits of the SHA-256 of normalised text (case and spacing do not count)."""
    text = "\x1f".join(" ".join(f.lower().split()) for f in fields)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def choice_row(
    rng: np.random.Generator, context: str, gold: str, others: list[str], cluster: str
) -> dict:
    """A multiple-choice row in token form with the gold answer at a random position."""
    order = rng.permutation(len(others) + 1)
    options = [gold, *others]
    choices = [options[i] for i in order]
    answer = int(np.flatnonzero(order == 0)[0])
    return {
        "id": content_id(context, *sorted(choices)),
        "cluster": cluster,
        "context": context,
        "choices": choices,
        "answer": answer,
    }


def distinct_rows(make, count: int, what: str, taken: set[str]) -> list[dict]:
    """Call `make()` until there are `count` rows with new ids; ids are added to `taken`.

    Raises UserError if thousands of calls in a row give nothing new.
    """
    rows: list[dict] = []
    missed = 0
    while len(rows) < count and missed < PATIENCE:
        row = make()
        missed += 1
        if row["id"] not in taken:
            taken.add(row["id"])
            rows.append(row)
            missed = 0
    if len(rows) < count:
        raise UserError(
            f"Expected {count} different items for {what}, found only about {len(rows)} in the "
            "world: lower `items` in the world's parameters."
        )
    return rows


def held_out_pools(combinations, share: float) -> tuple[dict, object]:
    """Split shuffled combinations: `share` are held out (3/5 test, 2/5 dev), the rest are seen."""
    held = round(share * len(combinations))
    cut = round(0.6 * held)
    return {"test": combinations[:cut], "dev": combinations[cut:held]}, combinations[held:]


def split_rows(make, pools: dict, counts: dict[str, int], what: str) -> Rows:
    """Distinct rows by split; `make(pool)` draws from the pool of its split."""
    taken: set[str] = set()
    return {
        split: distinct_rows(
            lambda s=split: make(pools[s]), counts[split], f"{what} ({split})", taken
        )
        for split in ("test", "dev")
    }
