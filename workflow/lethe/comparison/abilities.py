"""What is known of an evaluation task by its name: its ability, metric, chance and clusters."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import PROJECT
from lethe.artefacts.strict_yaml import read_yaml

OTHER = "other"
ABILITIES = Path(__file__).with_name("abilities.yaml")
PROBES = PROJECT / "config" / "catalogue" / "probes.yaml"
CLUSTER = "cluster"
"""The column of dependent items, where a task does not name another."""


@dataclass(frozen=True)
class Known:
    """What a catalogue says of a task; None where it says nothing."""

    ability: str
    metric: str | None = None
    chance: float | None = None
    cluster: str | None = CLUSTER


def known(
    task: str, given: dict[str, str] | None = None, usual: dict[str, Known] | None = None
) -> Known:
    """From the user's own words first, then the catalogue of probes, then the list of lm-eval's.

    Args:
        given: ability by task, or by the beginning of names of tasks.
        usual: what is known of some tasks, in place of the catalogue.
    """
    if usual and task in usual:
        return replace(usual[task], ability=_longest(task, given or {}) or usual[task].ability)
    entry = _of_catalogue().get(task, {})
    ability = _longest(task, given or {}) or entry.get("axis") or _longest(task, _of_lm_eval())
    if not entry:
        return Known(ability or OTHER)
    cluster = entry.get("cluster", CLUSTER)
    return Known(ability or OTHER, entry.get("metric"), entry.get("chance"), cluster)


def _longest(task: str, abilities: dict[str, str]) -> str:
    """The ability of the longest name that the task has, or starts with before an underscore."""
    parts = task.split("_")
    names = ("_".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((abilities[name] for name in names if name in abilities), "")


@lru_cache
def _of_lm_eval() -> dict[str, str]:
    return {name: axis for axis, names in read_yaml(ABILITIES).items() for name in names}


@lru_cache
def _of_catalogue() -> dict[str, dict[str, Any]]:
    probes = read_yaml(PROBES) if PROBES.is_file() else {}
    return {task: entry for probe in probes.values() for task, entry in probe["tasks"].items()}
