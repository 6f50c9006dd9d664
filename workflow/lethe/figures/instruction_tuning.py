"""A model and its instruction-tuned variant over the sequence (Luo et al. 2023, LLaMA, ALPACA)."""

from lethe.figures.drawing import Drawn, empty
from lethe.figures.paired import draw_pairs, sides
from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import tuning_pairs
from lethe.metrics.subjects import study_subjects

TITLE = "General instruction tuning before the sequence"


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """A row per model that was tuned on general instructions, with the model before tuning."""
    pairs = tuning_pairs(study_subjects(tables))
    if not pairs:
        return empty(
            TITLE,
            "No model beside its instruction-tuned variant: select one with `from:` (or "
            "`untuned:`), and its parent.",
            width,
        )
    words = [(f"{before.model} (before)", f"{tuned.model} (tuned)") for tuned, before in pairs]
    chosen = [
        sides(tables, (before, tuned), text)
        for (tuned, before), text in zip(pairs, words, strict=True)
    ]
    caption = "Dashed: the model as it was; solid: after general instruction tuning."
    return draw_pairs(tables, TITLE, chosen, caption, width)
