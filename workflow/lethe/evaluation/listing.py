"""All evaluation tasks and groups that can be named, and where their data are.

Only YAMLs are read. The 14,000 of lm-eval take 10 seconds, so what they say is kept beside Python's
byte code, for the installed version.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.paths import PACKAGE, TASK_YAML
from lethe.errors import UserError
from lethe.evaluation.dataset_places import LOCAL, is_cached
from lethe.evaluation.declared import library_folder, of_config
from lethe.evaluation.task_config import read_task_config

KEPT = PACKAGE / "__pycache__" / "lm_eval_tasks.json"
FORM = 1
"""Of what is kept: another number where the fields of `Listed` change."""

Place = Literal["here", "hub", "missing", "code"]


@dataclass(frozen=True)
class Listed:
    """One name that `--tasks` may have.

    Attributes:
        kind: `task`, or `group` (its YAML lists its tasks) or `tag` (tasks name it).
        origin: lm-eval, lethe, or the folder that was given.
        type: lm-eval's output type; empty for a group.
        choices: the number of choices, if the YAML itself says it.
        metrics: its metrics; empty where Python code alone knows them.
        dataset: the data set of the hub that holds its documents.
        files: local files that must be there instead.
        members: of a group or tag, the names in it.
    """

    name: str
    kind: str
    origin: str
    type: str = ""
    choices: int | None = None
    metrics: tuple[str, ...] = ()
    dataset: str | None = None
    files: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def all_tasks(include: Path | None = None) -> dict[str, Listed]:
    """Every task, group and tag by name: of a folder, or else Lethe's and lm-eval's own.

    Raises:
        UserError: the folder is not there, or holds no tasks.
    """
    if include is None:
        return {**_of_library(), **listed_in(TASK_YAML, "lethe")}
    if not include.is_dir():
        raise UserError(f"Expected a folder of task YAMLs at {include}, found none.")
    found = listed_in(include, str(include))
    if not found:
        raise UserError(f"{include}: expected YAMLs of evaluation tasks, found none.")
    return found


def listed_in(folder: Path, origin: str) -> dict[str, Listed]:
    """The tasks, groups and tags of a folder and those below it; unreadable YAMLs are left out."""
    found: dict[str, Listed] = {}
    tags: dict[str, list[str]] = {}
    for path in _yamls(folder):
        try:
            config = read_task_config(path)
        except UserError:
            continue
        entry = _entry(config, path, origin)
        if entry is None or entry.name in found:
            continue
        found[entry.name] = entry
        if entry.kind == "task":
            named = config.get("tag") or []
            for tag in [named] if isinstance(named, str) else named:
                tags.setdefault(str(tag), []).append(entry.name)
    groups = {t: Listed(t, "tag", origin, members=tuple(sorted(ns))) for t, ns in tags.items()}
    return {**groups, **found}


def tasks_of(entry: Listed, tasks: dict[str, Listed], within: tuple[str, ...] = ()) -> list[Listed]:
    """The single tasks of an entry; of a task, itself. Names that nothing has are left out."""
    if entry.kind == "task":
        return [entry]
    below = [tasks[name] for name in entry.members if name in tasks and name not in within]
    found = [task for one in below for task in tasks_of(one, tasks, (*within, entry.name))]
    return list({task.name: task for task in found}.values())


def place_of(entries: Iterable[Listed], has_copy: Callable[[str], bool]) -> Place:
    """Where the data of some tasks are: the worst of theirs.

    Args:
        has_copy: whether a data set of the hub is in a folder of copies.
    """
    places = [_place(entry, has_copy) for entry in entries]
    return next((place for place in ("missing", "hub", "code") if place in places), "here")


def _place(entry: Listed, has_copy: Callable[[str], bool]) -> Place:
    if entry.dataset is not None:
        return "here" if has_copy(entry.dataset) or _is_here(entry.dataset) else "hub"
    if not entry.files:
        return "code"
    return "here" if all(os.path.exists(file) for file in entry.files) else "missing"


@cache
def _is_here(dataset: str) -> bool:
    return is_cached(dataset)


def _yamls(folder: Path) -> Iterator[Path]:
    for parent, below, files in os.walk(folder):
        below.sort()
        yield from (Path(parent) / name for name in sorted(files) if name.endswith(".yaml"))


def _entry(config: dict[str, Any], path: Path, origin: str) -> Listed | None:
    name, group = config.get("task"), config.get("group")
    if isinstance(group, str) and "class" not in config:
        listed = name if isinstance(name, list) else [name]
        names = [
            one.get("task", one.get("group")) if isinstance(one, dict) else one for one in listed
        ]
        return Listed(group, "group", origin, members=tuple(n for n in names if isinstance(n, str)))
    if not isinstance(name, str):
        return None
    if "class" in config:
        return Listed(name, "task", origin, "code")
    said = of_config(config)
    choices = config.get("doc_to_choice")
    return Listed(
        name,
        "task",
        origin,
        str(config.get("output_type", "generate_until")),
        len(choices) if isinstance(choices, list | dict) else None,
        said.metrics or (),
        said.dataset,
        tuple(_files(config, path)),
    )


def _files(config: dict[str, Any], path: Path) -> Iterator[str]:
    """Local files that a YAML names, as absolute paths; patterns are left to their reader."""
    named = (config.get("dataset_kwargs") or {}).get("data_files")
    if config.get("dataset_path") not in LOCAL or named is None:
        return
    splits = list(named.values()) if isinstance(named, dict) else [named]
    for names in splits:
        for name in [names] if isinstance(names, str) else names:
            if isinstance(name, str) and "://" not in name and "*" not in name:
                yield str((path.parent / name).resolve())


def _of_library() -> dict[str, Listed]:
    """What lm-eval has; kept for the next time where that can be written."""
    made_by = {"lm_eval": version("lm_eval"), "form": FORM, "folder": str(library_folder())}
    try:
        kept = read_json(KEPT)
        if kept["made_by"] == made_by:
            return {row["name"]: Listed(**{**row, **_tuples(row)}) for row in kept["tasks"]}
    except (UserError, OSError, KeyError, TypeError):
        pass  # only a cache: reading the YAMLs gives the same answer
    found = listed_in(library_folder(), "lm-eval")
    try:
        KEPT.parent.mkdir(exist_ok=True)
        write_json(KEPT, {"made_by": made_by, "tasks": [asdict(e) for e in found.values()]}, None)
    except OSError:
        pass  # a read-only installation works, a little slower
    return found


def _tuples(row: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(row[name]) for name in ("metrics", "files", "members")}
