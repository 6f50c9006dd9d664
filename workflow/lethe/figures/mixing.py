"""Chains with and without general examples in every stage (Luo et al. 2023, section 5.4)."""

from lethe.figures.drawing import Drawn, empty
from lethe.figures.paired import draw_pairs, sides
from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import mixing_pairs, shown_extras
from lethe.metrics.subjects import study_subjects

TITLE = "General examples mixed into every stage"


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """A row per chain with more mixed in, with the same chain without."""
    pairs = mixing_pairs(study_subjects(tables))
    if not pairs:
        return empty(
            TITLE,
            "No chain with more mixed into its stages beside the same chain without: select an "
            "order such as [simp&general:64, ...].",
            width,
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
    return draw_pairs(tables, TITLE, chosen, caption, width)
