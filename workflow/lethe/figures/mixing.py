"""General examples mixed into every stage, beside none (Luo et al. 2023, section 5.4)."""

from lethe.claims.contrasts import shown_extras
from lethe.claims.pairs import mixing_pairs
from lethe.claims.subjects import study_subjects
from lethe.figures.drawing import Drawn
from lethe.figures.empty import empty
from lethe.figures.paired import draw_pairs, sides
from lethe.longtables import LongTables

TITLE = "General examples mixed into every stage"


def draw(tables: LongTables) -> Drawn:
    """A row per chain that has more mixed in, beside the same chain without."""
    pairs = mixing_pairs(study_subjects(tables))
    if not pairs:
        return empty(
            TITLE,
            "No chain with more mixed into its stages beside the same chain without: select an "
            "order such as [simp&general:64, ...].",
        )
    chosen = [
        sides(
            tables,
            (plain, mixed),
            (f"{plain.model}, tasks alone", f"{mixed.model} {shown_extras(mixed)}"),
        )
        for mixed, plain in pairs
    ]
    caption = "Dashed: the tasks alone; solid: with general examples mixed into every stage."
    return draw_pairs(tables, TITLE, chosen, caption)
