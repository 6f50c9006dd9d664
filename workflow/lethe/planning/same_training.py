"""Methods of two names that are one training, and what that does to the study's claims.

Two entries of the catalogue may differ in nothing but what a recipe's `tuned` gives them. If it
gives them the same, their chains are equal, and a claim about the one is a claim about the other.
"""

from collections.abc import Iterable

from lethe.artefacts.strict_json import digest
from lethe.config.catalogue import Catalogue, Study
from lethe.config.claims import ClaimPart
from lethe.errors import UserError
from lethe.longtables.run import ALONE, Run
from lethe.planning.nodes import Plan

PLAIN = "sequential"


def refuse_self_comparisons(study: Study, catalogue: Catalogue, plan: Plan) -> None:
    """Refuse a claim that compares a training with itself.

    Raises:
        UserError: the first part whose two methods have equal chains.
    """
    for (first, second), recipe in _pairs(plan).items():
        for name in study.claims or ():
            for part, test in catalogue.claims[name].parts.items():
                if test.contrast == "method_difference" and {*test.methods} == {first, second}:
                    raise UserError(
                        f"claims.{name}.parts.{part}.methods: {first!r} and {second!r} are one "
                        f"training with the recipe {recipe!r}, so nothing is compared; give one of "
                        f"them values of its own under recipes.{recipe}.tuned, or leave "
                        f"{name!r} out of `claims`."
                    )


def refuse_equal_orders(plan: Plan) -> None:
    """Refuse two orders of the same stages: one chain would be counted as two.

    Raises:
        UserError: the first two orders, or an order and a control, with which a chain is the same.
    """
    seen: dict[tuple[str, ...], str] = {}
    for run in plan.runs:
        last = plan.nodes.get(run.checkpoints[-1])
        # What was trained elsewhere has words of the user's, and a task alone is in no order.
        if last is None or "mixture" not in last.spec or run.order.startswith(ALONE):
            continue
        name = run.order.rpartition(":")[2]
        if (other := seen.setdefault(run.checkpoints, name)) != name:
            raise UserError(
                f"orders: {other!r} and {name!r} have the same stages, so one chain would be "
                "counted as two; list one of them."
            )


def same_trainings(study: Study, catalogue: Catalogue, plan: Plan) -> Iterable[str]:
    """A note for each two methods that are one training, with the claims that are one for it."""
    names: dict[str, str] = {}
    for (first, second), recipe in _pairs(plan).items():
        names.setdefault(second, names.get(first, first))
        again = ", ".join(f"{two} tests what {one} tests" for one, two in _twins(
            study, catalogue, {second: names[second]}
        ))  # fmt: skip
        yield (
            f"methods: {first!r} and {second!r} are one training with the recipe {recipe!r}, done "
            f"twice{again and f'; {again}'}."
        )


def _pairs(plan: Plan) -> dict[tuple[str, str], str]:
    """Two methods with equal chains, in the order of the study, and a recipe of which they are."""
    first: dict[tuple, str] = {}
    found: dict[tuple[str, str], str] = {}
    for run in plan.runs:
        # Of scores that were made elsewhere nothing is known.
        if len(run.checkpoints) > 1 and plan.nodes.keys() >= {*run.checkpoints}:
            method = first.setdefault(_chain(plan, run), run.method)
            if method != run.method:
                found.setdefault((method, run.method), run.recipe)
    return found


def _chain(plan: Plan, run: Run) -> tuple:
    """The base, and what each stage's spec says besides its parent, whose name has the method's."""
    specs = [plan.nodes[name].spec for name in run.checkpoints[1:]]
    stages = [digest({key: spec[key] for key in spec if key != "parent"}) for spec in specs]
    return (run.checkpoints[0], run.order, *stages)


def _twins(study: Study, catalogue: Catalogue, names: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Claims that test the same if methods go by other names: the earlier and the later one."""
    seen: dict[tuple, str] = {}
    for name in study.claims or ():
        parts = catalogue.claims[name].parts.values()
        tested = tuple(_tested(part, names) for part in parts)
        earlier = seen.setdefault(tested, name)
        if earlier != name:
            yield earlier, name


def _tested(part: ClaimPart, names: dict[str, str]) -> tuple:
    methods = [names.get(method, method) for method in part.methods]
    if part.contrast == "method_less_pool" and len(methods) == 1:
        methods.append(PLAIN)
    return (part.contrast, part.metric, *part.axes, part.direction, *methods)
