"""The evaluation tasks that a user names: by name, as a folder of YAMLs, or as one YAML."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.evaluation.dataset_places import LOCAL, is_prepared
from lethe.evaluation.lookup import holder_of, is_known, members, no_task, tasks_in, yaml_of
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.task_config import read_task_config
from lethe.evaluation.tasks import declared_shots
from lethe.sources.hub.copies import HubCopies

YAMLS = (".yaml", ".yml")


def named_tasks(
    entries: list[str],
    include: Sequence[str],
    split: str | None,
    limit: int | None,
    shots: int | None,
    hub: HubCopies,
    studys: Mapping[str, EvalTask] | None = None,
    known: Collection[str] = (),
) -> list[EvalTask]:
    """One task for every name, and for every task in a folder or file that is named.

    Args:
        entries: names of tasks or groups, folders of task YAMLs, or YAMLs.
        include: folders in which names are looked up, the first before the others; without any,
            they are looked up among Lethe's and lm-eval's own.
        split: None takes `test`, and for a study's tasks the study's.
        limit: None takes all documents, and of a study's tasks as many as the study.
        shots: None takes the number that each task's YAML declares, or the study.
        hub: where the data of tasks come from that name a data set of the hub.
        studys: by name, tasks as a study asks them, which are meant unless a folder has the name.
        known: the names of all sets of the study, of which a misspelt one is meant.

    Raises:
        UserError: there is no such task, it is named twice, or its data cannot be fetched.
    """
    found = [
        task for entry in entries for task in _named(entry, include, studys or {}, shots, known)
    ]
    names = [task.name for task in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names or repeated:
        what = f"{repeated[0]} twice" if repeated else "none"
        raise UserError(f"--tasks: expected each evaluation task once, found {what}.")
    tasks = [replace(task, split=split or task.split, limit=limit or task.limit) for task in found]
    return [replace(task, copies=_copies(task, hub)) for task in tasks]


def _named(
    entry: str,
    include: Sequence[str],
    studys: Mapping[str, EvalTask],
    shots: int | None,
    known: Collection[str],
) -> Iterator[EvalTask]:
    """Each task that an entry stands for."""
    path = Path(entry)
    is_path = path.exists() and ("/" in entry or path.suffix in YAMLS)
    if is_path:
        names = tasks_in(path) if path.is_dir() else [_name_in(path)]
        folder = entry if path.is_dir() else str(path.parent)
        found = [EvalTask(name, folder) for name in names]
    elif (holder := holder_of(entry, include)) is None and entry in studys:
        task = studys[entry]
        yield task if shots is None else replace(task, shots=shots)
        return
    elif holder is None and include:
        raise no_task(entry, include, known)
    else:
        found = [EvalTask(entry, holder)]
        if known and holder is None and not is_known(found[0]):
            raise no_task(entry, include, known)
    for task in found:
        yield replace(task, shots=declared_shots(task) if shots is None else shots)


def _name_in(path: Path) -> str:
    """The name of the task or group that a YAML defines."""
    config = read_task_config(path)
    name = config.get("task") if isinstance(config.get("task"), str) else config.get("group")
    if not isinstance(name, str):
        raise UserError(f"{path}: expected a task's YAML (`task: NAME`), found none.")
    return name


def _copies(task: EvalTask, hub: HubCopies) -> tuple[tuple[str, str], ...]:
    """Folders with the data of a task, or of a group's tasks, that are not read in another way."""
    folders: dict[str, str] = {}
    looked_up = set()
    for member in members(task):
        repo, revision = _dataset(read_task_config(yaml_of(member)))
        if repo is None or repo in looked_up:
            continue
        looked_up.add(repo)
        if hub.source is None and is_prepared(repo):
            continue
        if (folder := hub.dataset(repo, revision)) is not None:
            folders[repo] = str(folder)
    return tuple(sorted(folders.items()))


def _dataset(config: dict[str, Any]) -> tuple[str | None, str | None]:
    """The data set of the hub that a task reads whole, and its revision if the YAML names one."""
    repo, given = config.get("dataset_path"), config.get("dataset_kwargs") or {}
    picked = {"data_files", "data_dir"} & set(given)
    if not isinstance(repo, str) or repo in LOCAL or picked or Path(repo).exists():
        return None, None
    return repo, given.get("revision")
