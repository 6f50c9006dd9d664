"""Which evaluation sets test what a stage teaches, by their names."""

from lethe.longtables.axes import CLOZE_SET, is_named_for
from lethe.longtables.rows import mixtures


def is_own(probe: str, mixture: str) -> bool:
    """True if the set tests a task of the mixture, of several the last.

    Own sets are named by their task: own_simp belongs to simp and to simp&general:64, cloze_acl to
    the domain acl.
    """
    tasks = _tasks(mixture)
    return any(is_named_for(probe, task) or probe == f"{CLOZE_SET}{task}" for task in tasks)


def tests(probe: str, mixture: str) -> bool:
    """Whether a set bears the name of a task of the mixture, as own sets, end tasks and texts do.

    text_notes and prose_notes are of notes, as own_notes is.
    """
    return any(probe == task or probe.endswith(f"_{task}") for task in _tasks(mixture))


def _tasks(mixture: str) -> list[str]:
    return [part.partition(":")[0] for part in mixtures(mixture)[-1].split("&")]
