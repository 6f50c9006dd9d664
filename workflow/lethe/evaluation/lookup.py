"""Evaluation tasks and groups by name: the path of the YAML, and the members of a group.

A task without its own folder is looked up among Lethe's tasks (`task_yaml/`) first, then among
lm-eval's, so that one probe can mix the two.
"""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import lm_eval.tasks
from lm_eval.tasks._index import Entry, Kind

from lethe.artefacts.paths import TASK_YAML
from lethe.errors import UserError
from lethe.evaluation.declared import FOLDER_OF
from lethe.evaluation.specification import EvalTask

DEFAULT_FOLDER = Path(lm_eval.tasks.__file__).parent
OWN_FOLDER = TASK_YAML
ALIKE = 0.6
"""From this likeness on, a name is a misspelt one of the study's own sets."""


def yaml_of(task: EvalTask) -> Path:
    """The YAML that defines a task.

    Raises:
        UserError: no such task (names the nearest), or a group where a task is needed.
    """
    entry, _ = _entry_of(task)
    if entry.kind not in (Kind.TASK, Kind.PY_TASK):
        raise UserError(
            f"Expected a single evaluation task, found the {entry.kind.name.lower()} {task.name}."
        )
    return entry.yaml_path


def members(task: EvalTask) -> list[EvalTask]:
    """The tasks of a group or tag, sorted by name; a task is its own only member.

    Raises:
        UserError: no such task, or a member that is not a plain name.
    """
    entry, index = _entry_of(task)
    if entry.kind in (Kind.TASK, Kind.PY_TASK):
        return [task]
    return [replace(task, name=name) for name in sorted(set(_names(entry, index)))]


def tasks_in(folder: Path) -> list[str]:
    """The names of all tasks in a folder of YAMLs, without its groups; sorted.

    Raises:
        UserError: there are none.
    """
    index = _index(folder.resolve())
    names = sorted(n for n, e in index.items() if e.kind in (Kind.TASK, Kind.PY_TASK))
    if not names:
        raise UserError(f"{folder}: expected YAMLs of evaluation tasks, found none.")
    return names


def _names(entry: Entry, index: dict[str, Entry]) -> Iterator[str]:
    if entry.kind is Kind.TAG:
        yield from entry.tags
        return
    for member in (entry.cfg or {}).get("task") or []:
        below = index.get(member) if isinstance(member, str) else None
        if below is None:
            raise UserError(
                f"The group {entry.name}: expected names of tasks, found {member!r}; list its "
                "tasks one by one."
            )
        if below.kind in (Kind.TASK, Kind.PY_TASK):
            yield below.name
        else:
            yield from _names(below, index)


def holder_of(name: str, folders: Sequence[str]) -> str | None:
    """The first of some folders with a task or group of this name; None: none of them has it."""
    places = {folder: _given(folder) for folder in folders}
    return next((folder for folder in folders if name in _index(places[folder])), None)


def no_task(name: str, folders: Sequence[str], studys: Collection[str] = ()) -> UserError:
    """The error of a name that none of the folders has; none: Lethe's and lm-eval's own tasks.

    studys: names of a study's own sets, of which one that is like the name is meant.
    """
    if own := difflib.get_close_matches(name, studys, n=1, cutoff=ALIKE):
        return UserError(
            f"There is no evaluation task {name!r}; the study's own set nearest to it is "
            f"{own[0]!r}."
        )
    places = [_given(folder) for folder in folders] or [OWN_FOLDER, DEFAULT_FOLDER]
    known = sorted({known for place in places for known in _index(place)})
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    hint = f"; the nearest known name is {near[0]!r}" if near else ""
    where = " or ".join(folders) or "Lethe's and lm-eval's own tasks"
    if not folders:
        hint += "; a task of a generated world or of your own needs the folder of its YAML: "
        hint += "--include-path, or `include` in a probe"
    return UserError(f"There is no evaluation task {name!r} in {where}{hint}.")


def is_known(task: EvalTask) -> bool:
    """Whether the folders in which a task is looked up have its name."""
    return any(task.name in _index(folder) for folder in _folders(task))


def _entry_of(task: EvalTask) -> tuple[Entry, dict[str, Entry]]:
    for folder in _folders(task):
        index = _index(folder)
        if task.name in index:
            return index[task.name], index
    raise no_task(task.name, [task.include_path] if task.include_path is not None else [])


def _folders(task: EvalTask) -> Iterator[Path]:
    """Folders to index, smallest first: all of lm-eval's 14 000 names cost 5 to 8 seconds."""
    if task.include_path is not None:
        yield _given(task.include_path)
        return
    yield OWN_FOLDER
    stem = FOLDER_OF.get(task.name, task.name)
    while stem:
        if (DEFAULT_FOLDER / stem).is_dir():
            yield DEFAULT_FOLDER / stem
        stem = stem.rpartition("_")[0]
    yield DEFAULT_FOLDER


def _given(folder: str) -> Path:
    if not Path(folder).is_dir():
        raise UserError(f"Expected a folder of task YAMLs at {folder}, found none.")
    return Path(folder).resolve()


def _index(folder: Path) -> dict[str, Any]:
    return _index_at(folder, folder.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _index_at(folder: Path, _changed: int) -> dict[str, Any]:
    return lm_eval.tasks.TaskManager(include_path=str(folder), include_defaults=False).task_index
