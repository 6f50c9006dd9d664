"""Axes: the abilities that evaluation sets belong to. Any name is one; a few have a meaning."""

from collections.abc import Iterable

# As Luo et al. 2023 order them; other abilities follow by name.
FIRST = ("knowledge", "reasoning", "reading", "bias")
OWN, BIAS, CALIBRATION, DOMAIN = "own", "bias", "calibration", "domain"
OF_DOMAINS = ("end_task", "mlm", "lm", "cloze")
"""Kinds of scores that are of domains: they are no general ability and no own task."""
CLOZE = "cloze"
"""The metric of a set whose texts ask for a hidden word; other sets of texts have a loss alone."""
TOKENS = "tokens"
"""In an item that is a text, beside its metrics: how many of its tokens are predicted."""
CLOZE_SET = "cloze_"
"""How the name of a domain's cloze set starts; that of its task follows."""
# Names that the tables use for what is not an axis of an evaluation set.
GENERAL, END_TASK = "general", "end_task"
TAKEN = {
    GENERAL: "the mean over all axes of general ability",
    END_TASK: "the axis of end tasks",
}
NO_ABILITY = (OWN, GENERAL)
"""Axes of metrics that are not general abilities: what is taught, and the mean over all axes."""
LAST = (OWN, CALIBRATION, DOMAIN, END_TASK, GENERAL)


def sorted_axes(axes: Iterable[str]) -> list[str]:
    """Axes in the order of tables and figures: the paper's, others by name, then the rest."""
    first = {axis: place for place, axis in enumerate(FIRST)}
    last = {axis: len(first) + 1 + place for place, axis in enumerate(LAST)}
    rank = first | last
    return sorted(set(axes), key=lambda axis: (rank.get(axis, len(first)), axis))


def is_named_for(probe: str, task: str) -> bool:
    """Whether an own set bears the name of a task: own_simp and simp are of simp."""
    return probe in (task, f"own_{task}")
