"""What shapes a chain of checkpoints but seeds, as one digest.

Parts of a study may be run apart; chains that differ in seeds alone are repetitions of each other
only if everything else was the same.
"""

from collections.abc import Callable
from typing import Any

from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.strict_json import digest
from lethe.longtables.run import SEEDS, Run

LISTED_SEEDS = "seeds"
"""Keys of specs that hold seeds."""
GENERATED = "world"
"""The source of data that are generated from a study's seed, which is `seed` in their specs."""

SpecOf = Callable[[str], dict[str, Any]]


def chain_words(run: Run) -> str:
    """The words of a run without its seeds."""
    how = [] if run.parametrisation == "full" else [run.parametrisation]
    return ", ".join((run.model, run.method, *how, run.order, run.recipe))


def chain_settings(run: Run, end_tasks: list[str], spec_of: SpecOf) -> str | None:
    """The digest of a run's settings; None for a chain whose stages were trained elsewhere.

    Args:
        end_tasks: nodes of the end tasks of the run's checkpoints.
        spec_of: the spec of a node.
    """
    last = run.checkpoints[-1]
    if len(run.checkpoints) > 1 and spec_of(last)["kind"] != "stage":
        return None
    known: dict[str, Any] = {}
    found = [_seedless_digest(node, spec_of, known) for node in (last, *end_tasks)]
    return digest([found[0], *sorted({*found[1:]})])[:16]


def _seedless_digest(node: str, spec_of: SpecOf, known: dict[str, str]) -> str:
    """The digest of a node's spec in which other nodes stand for what they are, without seeds.

    known: digests of nodes that were met before, by id.
    """
    if node not in known:
        spec = spec_of(node)
        inputs = {name: _seedless_digest(name, spec_of, known) for _, name in inputs_of(spec)}
        known[node] = digest(_without_seeds(spec, inputs))
    return known[node]


def _without_seeds(value: Any, inputs: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_without_seeds(item, inputs) for item in value]
    if isinstance(value, dict):
        left_out = {*SEEDS, LISTED_SEEDS}
        left_out |= {"seed"} if value.get("source") == GENERATED else set()
        return {
            name: _without_seeds(item, inputs)
            for name, item in value.items()
            if name not in left_out
        }
    return inputs.get(value, value) if isinstance(value, str) else value
