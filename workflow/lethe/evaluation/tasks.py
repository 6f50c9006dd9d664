"""lm-eval tasks by name: the YAML's configuration, and the task object ready to score.

Relative `data_files` are resolved against the YAML's own folder, so a folder of tasks can be
moved; their rows are read in memory instead of through a dataset cache on disk.
"""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import sys
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import load_yaml

from lethe.artefacts.files import sha256_file
from lethe.errors import UserError, one_line
from lethe.evaluation.documents import check_documents, require_examples
from lethe.evaluation.fetched_dataset import content_of, read_split
from lethe.evaluation.lookup import members, yaml_of
from lethe.evaluation.rows import Rows, are_read_here, local_rows, resolve_files
from lethe.evaluation.specification import SPLITS, EvalTask
from lethe.evaluation.templates import FIELDS, compile_templates

# Keys of a YAML that affect how a task is listed, not what is scored.
NOT_DEFINING = ("tag", "group", "task_list", "task_alias", "group_alias")


class CheckedTask(ConfigurableTask):
    """An lm-eval task whose documents are looked at before anything is made of the first."""

    published, fetched = True, False
    _is_checked = False

    @property
    def eval_docs(self) -> Any:
        """The documents to score; called by lm-eval's constructor and for every use of them.

        Raises:
            UserError: a document that cannot be scored.
        """
        docs = super().eval_docs
        if not self._is_checked:
            self._check(docs, "test", self.config)
            if self.config.num_fewshot:
                # Without a split, lm-eval draws the examples from these documents.
                examples = self.fewshot_docs() or ()
                self._check(examples, "few-shot", self.fewshot_cfg, examples=True)
                own = self.fewshot_cfg.split == self.config.test_split
                require_examples(self.config.task, self.config.num_fewshot, len(examples), own)
            self._is_checked = True
        return docs

    def _check(self, docs: Any, role: str, fields: Any, examples: bool = False) -> None:
        self.prompt = None  # lm-eval sets it and the columns later
        self.features = list(docs.features) if hasattr(docs, "features") else list((*docs, {})[0])
        places = getattr(docs, "places", None)

        def place(number: int) -> str:
            return places[number] if places else f"{self.config.task}: {role} document {number + 1}"

        doubts = check_documents(self, docs, place, fields, self.published, self.fetched, examples)
        if doubts:
            count = f"{len(doubts)} such documents are scored as lm-eval scores them"
            print(f"{doubts[0]}; {count}", file=sys.stderr)


class LocalTask(CheckedTask):
    """An lm-eval task whose rows are local files, read without a cache on disk."""

    published = False

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_) -> None:
        """Fill `self.dataset` with the used splits; called by lm-eval's constructor."""
        used = {self.config.test_split, self.config.validation_split, self.config.training_split}
        used.add(self.fewshot_cfg.split)
        self.dataset = {
            split: self._ready(self._read(split, dataset_kwargs))
            for split in self._splits(dataset_kwargs)
            if split in used
        }

    def _splits(self, arguments: dict[str, Any]) -> list[str]:
        return list(arguments["data_files"])

    def _read(self, split: str, arguments: dict[str, Any]) -> Rows:
        files = [Path(file) for file in arguments["data_files"][split]]
        return local_rows(files, self.config.task)

    def _ready(self, rows: Rows) -> Rows | datasets.Dataset:
        if self.config.process_docs is not None:
            return rows.dataset()
        self._compile_templates(set(rows.features))
        return rows

    def _compile_templates(self, columns: set[str]) -> None:
        named = {name: getattr(self.config, name) for name in FIELDS}
        for name, value in compile_templates(named, columns).items():
            self.set_config(name, value)
            if getattr(self.fewshot_cfg, name) == named[name]:
                setattr(self.fewshot_cfg, name, value)


class FetchedTask(LocalTask):
    """An lm-eval task that reads the fetched files of its hub dataset, not the YAML's path."""

    published, fetched = True, True

    def _splits(self, arguments: dict[str, Any]) -> list[str]:
        return arguments["splits"]

    def _read(self, split: str, arguments: dict[str, Any]) -> Rows:
        folder = Path(arguments["folder"])
        return read_split(folder, self.config.dataset_name, split, self.config.task)


@dataclass
class TaskSource:
    """Where a task comes from: its resolved configuration and its local data, if any."""

    config: dict[str, Any]
    files: dict[str, list[Path]] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def is_local(self) -> bool:
        return are_read_here(self.config, self.files)


def find(task: EvalTask) -> TaskSource:
    """The configuration of a task, with the split and shots of `task` written into it.

    Raises:
        UserError: no such task (names the nearest), a group instead of a task, no such split, or a
            missing data file.
    """
    path = yaml_of(task)
    config = deepcopy(load_yaml(path))
    for key in NOT_DEFINING:
        config.pop(key, None)
    if not isinstance(config.get("metadata"), dict):
        config["metadata"] = {"_metadata": config.get("metadata")}
    config["num_fewshot"] = task.shots
    _choose_split(config, task, path)
    copy = task.dataset_path or dict(task.copies).get(str(config.get("dataset_path")))
    if copy is not None:
        return TaskSource(config, folder=Path(copy).resolve())
    files = resolve_files(config, path)
    if files:
        _keep_questions_out_of_examples(config)
    scored = config.get("test_split") or config.get("validation_split")
    if files and scored not in files:
        raise UserError(f"{path}: expected data_files for the split {scored}, found {set(files)}.")
    return TaskSource(config, files)


def declared_shots(task: EvalTask) -> int:
    """The number of few-shot examples in the task's own YAML; 0 if it sets none."""
    first = members(task)[0]
    return int(load_yaml(yaml_of(first), resolve_func=False).get("num_fewshot") or 0)


def build(source: TaskSource) -> ConfigurableTask:
    """The lm-eval task object; loads its rows.

    Raises:
        UserError: the hub data is not on this machine; nothing is ever downloaded here.
    """
    try:
        task = _built(source)
    except OSError as error:
        path = source.config.get("dataset_path")
        raise UserError(
            f"{source.config['task']}: its data {path!r} is not on this machine "
            f"({one_line(str(error))[:80]}); give a folder that holds a copy, in DIR/{path}, with "
            "--source DIR, or let it be fetched with --network."
        ) from None
    task.set_fewshot_seed(seed=1234)  # lm-eval's default
    return task


def _built(source: TaskSource) -> ConfigurableTask:
    config = deepcopy(source.config)
    if "class" in config:
        return config["class"](config=config)
    if not source.is_local and source.folder is None:
        return CheckedTask(config=config)
    if config["num_fewshot"] == 0:
        # Only few-shot examples are taken from the other splits.
        config.update(training_split=None, fewshot_split=None)
        if config.get("test_split"):
            config["validation_split"] = None
    if source.folder is None:
        return LocalTask(config=config)
    splits = _used_splits(config)
    config["dataset_kwargs"] = {"folder": str(source.folder), "splits": splits}
    return FetchedTask(config=config)


def _used_splits(config: dict[str, Any]) -> list[str]:
    names = ("test_split", "validation_split", "training_split", "fewshot_split")
    return list(dict.fromkeys(config[name] for name in names if config.get(name)))


def _choose_split(config: dict[str, Any], task: EvalTask, path: Path) -> None:
    if task.split not in SPLITS:
        raise UserError(f"Expected the split test or dev for {task.name}, found {task.split!r}.")
    if task.split == "dev":
        if not config.get("validation_split"):
            raise UserError(f"{path}: the split dev needs a validation_split, found none.")
        config["test_split"] = config["validation_split"]
        if not (config.get("training_split") or config.get("fewshot_config")):
            # lm-eval keeps a question out of its own examples only if this split is set.
            config.setdefault("fewshot_split", config["validation_split"])


def _keep_questions_out_of_examples(config: dict[str, Any]) -> None:
    """Name the split of the examples where it is the scored one, or lm-eval may draw the question
    itself, with its answer. A published task stays as lm-eval has it."""
    others = ("training_split", "validation_split", "fewshot_split", "fewshot_config")
    if config["num_fewshot"] and not any(config.get(name) for name in others):
        config["fewshot_split"] = config.get("test_split")


def file_hashes(source: TaskSource) -> dict[str, Any]:
    """sha256 of every local data file, by split, or of every fetched file, by path."""
    if source.folder is not None:
        return content_of(source.folder)
    hashes = {split: [sha256_file(file) for file in files] for split, files in source.files.items()}
    return {split: one[0] if len(one) == 1 else one for split, one in hashes.items()}
