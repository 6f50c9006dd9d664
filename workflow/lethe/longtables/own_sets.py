"""Which evaluation sets test what a stage teaches, by their names."""

from collections.abc import Collection, Iterable

from lethe.longtables.axes import CLOZE_SET, is_named_for
from lethe.longtables.rows import mixtures


def is_own(probe: str, mixture: str) -> bool:
    """True if the set tests a task of the mixture, of several the last.

    Own sets are named by their task: own_simp belongs to simp and to simp&general:64, cloze_acl to
    the domain acl.
    """
    tasks = [part.partition(":")[0] for part in mixtures(mixture)[-1].split("&")]
    return any(is_named_for(probe, task) or probe == f"{CLOZE_SET}{task}" for task in tasks)


def untested(
    stage_tasks: Iterable[str], sets: Collection[str], texts: Collection[str]
) -> list[str]:
    """The tasks that these stages are there to teach, of which no set bears the name.

    What is mixed in by number (simp&general:64) is not what a stage is there for. texts: sets of
    texts, for which any name that ends in the task's will do, as text_notes for notes.
    """
    tasks = (task for stage in stage_tasks for one in mixtures(stage) for task in _taught(one))
    return [
        task
        for task in dict.fromkeys(filter(None, tasks))
        if not any(is_own(name, task) for name in sets)
        and not any(name.endswith(f"_{task}") for name in texts)
    ]


def _taught(mixture: str) -> list[str]:
    parts = [part.partition(":") for part in mixture.split("&")]
    return [task for task, _, count in parts if not count] or [task for task, _, _ in parts]
