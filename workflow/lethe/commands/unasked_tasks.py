"""Notes before a run on what is taught and not asked, or not right after its stage."""

from collections.abc import Iterable, Iterator

from lethe.config.catalogue import Catalogue
from lethe.errors import some_of
from lethe.longtables.axes import OWN
from lethe.longtables.own_sets import is_own, untested
from lethe.planning.imports import ELSEWHERE
from lethe.planning.nodes import Plan
from lethe.planning.plan import CONTROL

WHERE = {
    "orders": "for instance of the `test` file of a source that has the task's name",
    "imports": "among their results or in a probe",
}
"""Where a set comes from, by the key of what is taught."""


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
    """A note that names the tasks which no set of some chain tests; controls teach none."""
    found: dict[str, dict[str, None]] = {}
    for run in plan.runs:
        if run.order.startswith(CONTROL):
            continue
        sets, texts = _sets(catalogue, plan, run.checkpoints)
        is_elsewhere = run.recipe == ELSEWHERE
        for task in untested(run.stages[1:], sets, texts):
            found.setdefault("imports" if is_elsewhere else "orders", {})[task] = None
    for key, tasks in found.items():
        names = [*tasks]
        yield (
            f"{key}: no evaluation set tests {some_of(names)}, so whether what is taught there is "
            f"learned, and then forgotten, will not be known; a set that does is called "
            f"own_{names[0]}, {WHERE[key]} (docs/own-study.md)."
        )


def _sets(
    catalogue: Catalogue, plan: Plan, checkpoints: Iterable[str]
) -> tuple[set[str], set[str]]:
    """Names of the sets that checkpoints are asked, the domains of end tasks too; and of texts."""
    sets, texts = set(), set()
    for checkpoint in checkpoints:
        for probe in plan.probes.get(checkpoint, {}).values():
            for task in plan.nodes[probe].spec["tasks"]:
                (texts if "texts" in task else sets).add(task["name"])
        for node in plan.end_tasks.get(checkpoint, []):
            sets.add(catalogue.end_tasks[plan.nodes[node].spec["end_task"]].task)
    return sets | texts, texts


def _own_sets(plan: Plan, checkpoint: str) -> set[str]:
    """Names of the own sets that a checkpoint is asked."""
    probes = plan.probes.get(checkpoint, {}).values()
    tasks = (task for probe in probes for task in plan.nodes[probe].spec["tasks"])
    return {task["name"] for task in tasks if task["axis"] == OWN}
