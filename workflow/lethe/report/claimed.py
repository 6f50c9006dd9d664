"""The published claims that a study tests: a line each, and what is under it."""

from dataclasses import dataclass

from lethe.report.grids import Grid, grid
from lethe.tables.writing import Table

COLUMNS = (
    "part", "about", "verdict", "effect", "effect_low", "effect_high", "metric", "n", "unit",
    "smallest_effect", "published", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict. parts: (part, what is tested, published numbers)."""

    name: str
    verdict: str
    published: str
    statement: str
    where: str
    parts: list[tuple[str, str, str]]
    comparisons: Grid

    @property
    def tone(self) -> str:
        """The verdict's first word, for its colour: `supported`, `contradicted`, or another."""
        return self.verdict.partition(" ")[0].strip(",")


def claims(table: Table) -> list[Claim]:
    """The claims in the order of the study; table: of `claims.report`."""
    found = []
    for name, rows in table.frame.groupby("claim", sort=False):
        first, under = rows.iloc[0], rows.iloc[1:].reset_index(drop=True)
        stated = under[under["statement"] != ""]
        parts = [
            (row["part"], row["statement"], row["published_numbers"])
            for row in stated.to_dict("records")
        ]
        below = Table(under[[*COLUMNS]], "", table.decimals)
        words = (str(first[key]) for key in ("verdict", "published", "statement", "source"))
        found.append(Claim(str(name), *words, parts, grid(below, forms=False)))
    return found
