"""The evaluation tasks that a user names: by name, as a folder of YAMLs, or as one YAML."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.evaluation.dataset_places import LOCAL, is_prepared
from lethe.evaluation.lookup import members, tasks_in, yaml_of
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.task_config import read_task_config
from lethe.evaluation.tasks import declared_shots
from lethe.sources.hub.copies import HubCopies

YAMLS = (".yaml", ".yml")


def named_tasks(
    entries: list[str],
    include: str | None,
    split: str,
    limit: int | None,
    shots: int | None,
    hub: HubCopies,
) -> list[EvalTask]:
    """One task for every name, and for every task in a folder or file that is named.

    Args:
        entries: names of tasks or groups, folders of task YAMLs, or YAMLs.
        include: folder in which names are looked up; None: among Lethe's and lm-eval's own.
        shots: None takes the number that each task's YAML declares.
        hub: where the data of tasks come from that name a data set of the hub.

    Raises:
        UserError: there is no such task, it is named twice, or its data cannot be fetched.
    """
    found = [pair for entry in entries for pair in _named(entry, include)]
    names = [name for name, _ in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names or repeated:
        what = f"{repeated[0]} twice" if repeated else "none"
        raise UserError(f"--tasks: expected each evaluation task once, found {what}.")
    tasks = [EvalTask(name, folder, split=split, limit=limit) for name, folder in found]
    tasks = [replace(t, shots=declared_shots(t) if shots is None else shots) for t in tasks]
    return [replace(task, copies=_copies(task, hub)) for task in tasks]


def _named(entry: str, include: str | None) -> Iterator[tuple[str, str | None]]:
    """(name, folder of its YAML) of each task that an entry stands for."""
    path = Path(entry)
    is_path = path.exists() and ("/" in entry or path.suffix in YAMLS)
    if not is_path:
        yield entry, include
    elif path.is_dir():
        for name in tasks_in(path):
            yield name, entry
    else:
        yield _name_in(path), str(path.parent)


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
