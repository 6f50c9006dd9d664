"""What an evaluation task says that it gives: its metrics and filters, read from its YAML alone.

`lethe check` reads it without lm-eval, which takes seconds to import. A Python class or function
that a YAML names is not called, so what only it knows is left open.
"""

import difflib
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import TASK_YAML
from lethe.errors import UserError
from lethe.evaluation.dataset_places import LOCAL
from lethe.evaluation.filters import PLAIN, name_of
from lethe.evaluation.task_config import read_task_config

# lm-eval's DEFAULT_METRIC_REGISTRY: the metrics of a task whose YAML lists none.
USUAL = {
    "loglikelihood": ("perplexity", "acc"),
    "loglikelihood_rolling": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
    "multiple_choice": ("acc", "acc_norm"),
    "generate_until": ("exact_match",),
}
# What `scores_of` adds to a task's own metrics.
ADDED = {
    "multiple_choice": ("gold_logprob", "margin", "modal_share"),
    "generate_until": ("modal_share",),
}

# lm-eval's folders of tasks whose name does not start with the folder, to read fewer files.
FOLDER_OF = dict.fromkeys(
    ("boolq", "cb", "copa", "multirc", "record", "wic", "wsc"), "super_glue"
) | dict.fromkeys(("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2", "wnli"), "glue")
DEEPEST = 20
"""Groups within groups."""

_NAME = r"[\"']?([^\s\"'#\[\],]+)"
_TITLE = re.compile(rf"^[\"']?(?:task|group)[\"']?:[ \t]*{_NAME}", re.MULTILINE)
_TAGS = re.compile(
    r"^[\"']?tag[\"']?:[ \t]*(\[[^\]]*\]|\S.*|(?:#.*)?(?:\n[ \t]*-[ \t]*\S.*)+)", re.MULTILINE
)


@dataclass(frozen=True)
class Declared:
    """metrics: those of the task itself; None: Python code alone knows them.

    added: what scoring adds to them. filters: ways in which answers are read off generated text;
    `PLAIN` if the YAML lists none.
    dataset: the hub dataset that holds its documents; None: local files, or code alone knows.
    """

    metrics: tuple[str, ...] | None
    filters: tuple[str, ...] = (PLAIN,)
    added: tuple[str, ...] = ()
    dataset: str | None = None

    def names(self) -> list[str] | None:
        """What a probe may name as its metric; None if Python code alone knows it."""
        if self.metrics is None:
            return None
        named = [name_of(metric, f, self.filters) for metric in self.metrics for f in self.filters]
        return [*named, *self.added]


def declared(name: str, include: str | None) -> Declared:
    """What the YAML of a task gives; of a group or tag, what its first task does.

    Args:
        include: folder with the task's YAML; None: one of Lethe's or lm-eval's own tasks.

    Raises:
        UserError: there is no such task, or its YAML cannot be read.
    """
    known: set[str] = set()
    for folder in _folders(name, include):
        index = _index(folder)
        if name in index:
            return _of_file(name, index)
        known |= index.keys()
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    hint = f"; the nearest known name is {near[0]!r}" if near else ""
    where = include or "Lethe's and lm-eval's own tasks"
    raise UserError(f"there is no evaluation task {name!r} in {where}{hint}.")


def _folders(name: str, include: str | None) -> Iterator[Path]:
    """Folders to read, smallest first: lm-eval has 14,000 files."""
    if include is not None:
        yield Path(include)
        return
    yield TASK_YAML
    folder, stem = library_folder(), FOLDER_OF.get(name, name)
    while stem:
        if (folder / stem).is_dir():
            yield folder / stem
        stem = stem.rpartition("_")[0]
    yield folder


def library_folder() -> Path:
    """lm-eval's own folder of tasks."""
    (library,) = importlib.util.find_spec("lm_eval").submodule_search_locations
    return Path(library) / "tasks"


@lru_cache(maxsize=32)
def _index(folder: Path) -> dict[str, Path]:
    """The file of every task, group and tag by name; of a tag, a file that has it.

    Found by pattern, not by reading YAML: 14,000 files would take half a minute.
    """
    titles: dict[str, Path] = {}
    tags: dict[str, Path] = {}
    for parent, _, files in sorted(os.walk(folder)):
        # Templates that others include end in `_yaml`; they may hold tags.
        for file in sorted(file for file in files if file.endswith("yaml")):
            text = (Path(parent) / file).read_bytes().decode("utf-8", errors="replace")
            for title in _TITLE.findall(text):
                titles.setdefault(title, Path(parent) / file)
            for found in _TAGS.findall(text):
                for tag in re.findall(r"[^\s\[\]\"',#]+", found):
                    tags.setdefault(tag, Path(parent) / file)
    return {**tags, **titles}


def _of_file(name: str, index: dict[str, Path], depth: int = 0) -> Declared:
    config = read_task_config(index[name])
    if "class" in config or depth > DEEPEST:
        return Declared(None)
    task = config.get("task")
    if config.get("group") == name or isinstance(task, list):
        first = task[0] if isinstance(task, list) and task else task
        if not isinstance(first, str) or first not in index or first == name:
            return Declared(None)
        return _of_file(first, index, depth + 1)
    return of_config(config)


def of_config(config: dict[str, Any]) -> Declared:
    """What the keys of a task's YAML give."""
    kind = config.get("output_type", "generate_until")
    filters = _named(config.get("filter_list"), "name") or (PLAIN,)
    path = config.get("dataset_path")
    is_local = path in LOCAL or "custom_dataset" in config
    dataset = path if isinstance(path, str) and not is_local else None
    listed = config.get("metric_list")
    if listed is None and "process_results" not in config:
        metrics = USUAL.get(kind)
    else:
        metrics = _named(listed, "metric")
    if metrics is None or kind not in USUAL:
        metrics = None
    return Declared(metrics, filters, ADDED.get(kind, ()), dataset)


def _named(entries: Any, key: str) -> tuple[str, ...] | None:
    """The names in a list of mappings; None if one of them is no plain name."""
    names = [entry.get(key) for entry in entries or () if isinstance(entry, dict)]
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return tuple(dict.fromkeys(names))
