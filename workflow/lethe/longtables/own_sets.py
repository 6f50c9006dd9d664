"""Which evaluation sets test what a stage teaches, by their names."""

from lethe.longtables.axes import CLOZE_SET, is_named_for
from lethe.longtables.rows import mixtures


def is_own(probe: str, mixture: str) -> bool:
    """True if the set tests a task of the mixture, of several the last.

    Own sets are named by their task: own_simp belongs to simp and to simp&general:64, cloze_acl to
    the domain acl.
    """
    tasks = [part.partition(":")[0] for part in mixtures(mixture)[-1].split("&")]
    return any(is_named_for(probe, task) or probe == f"{CLOZE_SET}{task}" for task in tasks)
