"""Which claims of a study ask for what none of its probes or end tasks will measure."""

from collections.abc import Iterable

from lethe.config.catalogue import Catalogue, Study
from lethe.config.claims import ClaimPart
from lethe.longtables.axes import DOMAIN, END_TASK
from lethe.longtables.metric_ids import DOMAIN_SUMMARIES
from lethe.planning.nodes import Plan

LOSSES = ("mlm_loss", "lm_loss")
# The set that a number of a domain needs, by the first word of its id.
SETS = {"cloze": ("cloze",), "loss": LOSSES, "mlm": LOSSES}


def unmeasured(study: Study, catalogue: Catalogue, plan: Plan) -> Iterable[str]:
    """A note for everything that claims ask for and that the study does not measure."""
    sets = {
        (task["axis"], task["metric"])
        for node in plan.of_kind("probe")
        for task in node.spec["tasks"]
    }
    lacking: dict[str, dict[str, list[str]]] = {}
    for name in study.claims or ():
        for part, test in catalogue.claims[name].parts.items():
            for what in _lacking(test, sets, bool(plan.end_tasks)):
                lacking.setdefault(what, {}).setdefault(name, []).append(part)
    for what, asking in lacking.items():
        told = "; ".join(f"{name} (`{'`, `'.join(parts)}`)" for name, parts in asking.items())
        yield f"claims: no {what} will be measured, which these parts need: {told}."


def _lacking(test: ClaimPart, sets: set[tuple[str, str]], end_tasks: bool) -> Iterable[str]:
    """What the study has none of, for each axis of a part."""
    wanted = SETS.get(test.metric.partition("_")[0], ())
    for axis in test.axes:
        if axis == END_TASK:
            if not end_tasks:
                yield "end task"
        elif axis == DOMAIN and (test.metric in DOMAIN_SUMMARIES or wanted == LOSSES):
            if not any((DOMAIN, metric) in sets for metric in wanted):
                yield f"`{wanted[0]}` of domains"
        elif axis not in {known for known, _ in sets}:
            yield f"set of the axis `{axis}`"
