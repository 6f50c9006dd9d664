"""A note before a run on own sets that are not asked right after the stage that teaches them."""

from collections.abc import Iterator

from lethe.errors import some_of
from lethe.longtables.axes import OWN
from lethe.longtables.own_sets import is_own
from lethe.planning.nodes import Plan


def unasked_tasks(plan: Plan) -> Iterator[str]:
    """A note that names the own sets that some chain asks later than right after their stage.

    Of these neither what was learned nor what was forgotten since is known.
    """
    unasked: dict[str, None] = {}
    for run in plan.runs:
        asked = [_own_sets(plan, checkpoint) for checkpoint in run.checkpoints]
        for name in sorted(set().union(*asked)):
            stages = [index for index, mix in enumerate(run.stages) if index and is_own(name, mix)]
            if stages and name not in asked[stages[0]]:
                unasked[name] = None
    if unasked:
        names = [*unasked]
        are, them = ("is", "it") if len(names) == 1 else ("are", "them")
        yield (
            f"probes: {some_of(names)} {are} not asked right after the stage "
            f"that teaches {them}, so nothing is known of what was learned there and forgotten "
            "since: leave out `stages: ends` of own sets, or `probe_stages: ends` of the study."
        )


def _own_sets(plan: Plan, checkpoint: str) -> set[str]:
    """Names of the own sets that a checkpoint is asked."""
    probes = plan.probes.get(checkpoint, {}).values()
    tasks = (task for probe in probes for task in plan.nodes[probe].spec["tasks"])
    return {task["name"] for task in tasks if task["axis"] == OWN}
