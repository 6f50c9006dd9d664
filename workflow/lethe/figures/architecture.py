"""Decoder against encoder-decoder of nearest size (Luo et al. 2023, architecture)."""

from lethe.figures.drawing import Drawn, empty
from lethe.figures.paired import draw_pairs, sides
from lethe.longtables.tables import LongTables
from lethe.metrics.pairs import architecture_pairs
from lethe.metrics.subjects import Subject, study_subjects

TITLE = "Decoder and encoder-decoder"


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """A row per encoder-decoder, beside the decoder nearest in size."""
    pairs = architecture_pairs(study_subjects(tables))
    if not pairs:
        return empty(
            TITLE, "No encoder-decoder beside a decoder: select a model of each family.", width
        )
    chosen = [sides(tables, pair, (_words(pair[0]), _words(pair[1]))) for pair in pairs]
    caption = "Dashed: decoder; solid: the encoder-decoder it is nearest to in size."
    return draw_pairs(tables, TITLE, chosen, caption, width)


def _words(subject: Subject) -> str:
    kind = "encoder-decoder" if subject.family == "seq2seq" else "decoder"
    return f"{subject.model} ({kind}, {size_words(subject.params)})"


def size_words(params: float) -> str:
    """A number of parameters, for readers: 210 K, 0.88 M, 7.1 B."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if params >= 0.1 * unit:
            return f"{params / unit:.2g} {name}"
    return f"{params:.0f}"
