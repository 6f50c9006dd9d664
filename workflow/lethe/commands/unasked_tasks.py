"""Notes before a run on what is taught and not asked, or not right after its stage."""

from collections.abc import Iterator

from lethe.config.catalogue import Catalogue
from lethe.errors import some_of
from lethe.longtables.axes import OWN
from lethe.longtables.own_sets import is_own, tests
from lethe.planning.nodes import Plan
from lethe.planning.plan import CONTROL


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


def untested_tasks(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    """A note that names the stages of which no set tests a task; controls teach none."""
    found: dict[str, None] = {}
    for run in plan.runs:
        if not run.order.startswith(CONTROL):
            asked = (_sets(catalogue, plan, checkpoint) for checkpoint in run.checkpoints)
            names = set().union(*asked)
            for stage in run.stages[1:]:
                if not any(tests(name, stage) for name in names):
                    found[stage] = None
    if found:
        names = [*found]
        yield (
            f"orders: no evaluation set tests what is taught in {some_of(names)}, so whether it is "
            "learned, and then forgotten, will not be known; a set that does is called own_NAME, "
            "for instance of the `test` file of a task's source (docs/own-study.md)."
        )


def _sets(catalogue: Catalogue, plan: Plan, checkpoint: str) -> set[str]:
    """Names of the sets that a checkpoint is asked, and the domains of its end tasks."""
    probes = plan.probes.get(checkpoint, {}).values()
    names = {task["name"] for probe in probes for task in plan.nodes[probe].spec["tasks"]}
    end_tasks = (plan.nodes[node].spec["end_task"] for node in plan.end_tasks.get(checkpoint, []))
    return names | {catalogue.end_tasks[name].task for name in end_tasks}


def _own_sets(plan: Plan, checkpoint: str) -> set[str]:
    """Names of the own sets that a checkpoint is asked."""
    probes = plan.probes.get(checkpoint, {}).values()
    tasks = (task for probe in probes for task in plan.nodes[probe].spec["tasks"])
    return {task["name"] for task in tasks if task["axis"] == OWN}
