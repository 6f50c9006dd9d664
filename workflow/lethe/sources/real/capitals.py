"""Which city is a country's capital, and which country a capital's, out of four of one region."""

import re
from dataclasses import dataclass, replace

import numpy as np

from lethe.errors import UserError
from lethe.sources.real.json_files import read_object, text_at
from lethe.sources.real.packages import Part
from lethe.sources.real.quads import SIZE, Asked, fours
from lethe.sources.real.word_sets import related

NAME = ("Government", "Country name", "conventional short form", "text")
CAPITAL = ("Government", "Capital", "name", "text")
# A name in plain letters; "none", lists, and names turned round ("Korea, South") are left out.
PLAIN = re.compile(r"[A-Z][A-Za-z' -]+")
NOTE = re.compile(r"[;(]")
LEAST = 5 * SIZE
DEV_SHARE = 4
"""One country in so many is for dev."""


@dataclass(frozen=True)
class Capital:
    """region: the folder of the country's file."""

    country: str
    city: str
    region: str


def read_capitals(part: Part) -> list[Capital]:
    """Countries whose capital's name shares no letters in a row with theirs, each name once.

    Raises:
        UserError: a file is not of the World Factbook's form, or there are too few countries.
    """
    found: dict[str, Capital] = {}
    cities: set[str] = set()
    for path in part.files("[a-z][a-z].json"):
        entry = read_object(part, path)
        country = text_at(part, path, entry, *NAME).strip()
        city = NOTE.split(text_at(part, path, entry, *CAPITAL))[0].strip()
        named = PLAIN.fullmatch(country) and PLAIN.fullmatch(city)
        if named and not related(country, city) and country not in found and city not in cities:
            found[country] = Capital(country, city, path.parent.name)
            cities.add(city)
    if len(found) < LEAST:
        keys = " > ".join(CAPITAL)
        raise UserError(
            f"made_from.{part.name}: expected {LEAST} countries or more with a capital (at "
            f"{keys}) in {part.package}, found {len(found)}; name another package, or keep more "
            "of its members."
        )
    return list(found.values())


def capital_fours(
    capitals: list[Capital], rng: np.random.Generator
) -> dict[str, list[tuple[Asked, ...]]]:
    """Fours by split, asked both ways; no country is in two splits.

    The two questions of a country are in one cluster.
    """
    order = [capitals[i] for i in rng.permutation(len(capitals))]
    cut = len(order) // DEV_SHARE
    parts = {"test": order[cut:], "dev": order[:cut]}
    return {split: _both_ways(chosen, split, rng) for split, chosen in parts.items()}


def _both_ways(
    capitals: list[Capital], split: str, rng: np.random.Generator
) -> list[tuple[Asked, ...]]:
    asked = [
        Asked(
            f"The capital of {one.country} is",
            one.city,
            (one.country, one.city),
            (one.country, one.city),
            one,
        )
        for one in capitals
    ]
    groups = []
    for number, four in enumerate(fours(asked, _of_one_region, len(asked))):
        group = f"capitals-{split}-{number}"
        groups.append(tuple(replace(one, group=group) for one in four))
        groups.append(tuple(replace(_turned(one), group=group) for one in four))
    return [groups[i] for i in rng.permutation(len(groups))]


def _turned(one: Asked) -> Asked:
    country, city = one.subjects
    return replace(one, context=f"{city} is the capital of", answer=country)


def _of_one_region(one: Asked, other: Asked) -> bool:
    return one.about.region == other.about.region
