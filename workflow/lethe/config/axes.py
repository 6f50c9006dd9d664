"""The axes of a catalogue's evaluation sets, and whether they fit its tasks."""

from lethe.config.catalogue import Catalogue
from lethe.errors import UserError
from lethe.longtables.axes import FIRST, OWN, TAKEN


def check_axes(catalogue: Catalogue) -> set[str]:
    """All axes that a claim may name.

    Raises:
        UserError: an evaluation task tests a task of the stages, but its axis is not `own`.
    """
    own = {task.own for task in catalogue.tasks.values()}
    axes = {*FIRST, OWN, *TAKEN}
    for name, probe in catalogue.probes.items():
        for task, entry in probe.tasks.items():
            if task in own and entry.axis != OWN:
                raise UserError(
                    f"probes.{name}.tasks.{task}.axis: expected `own`, since a task of the "
                    f"catalogue names it in its `own`, found {entry.axis!r}."
                )
            axes.add(entry.axis)
    return axes
