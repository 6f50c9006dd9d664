"""The first documents of a user's own tasks, looked at before a study runs.

lm-eval takes seconds to import, so the YAML is read here; what only Python code knows, as in
`!function`, is left to the evaluation, which looks at every document.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lethe.errors import UserError
from lethe.evaluation.documents import check_documents, require_examples
from lethe.evaluation.outcomes import require_columns
from lethe.evaluation.rows import Rows, are_read_here, local_rows, resolve_files
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.task_config import by_code, read_task_config
from lethe.evaluation.templates import FIELDS, compile_templates

ROWS = 100
LARGE = 2**20  # bytes of a .json, which is read as a whole, from which reading it takes time


def check_first_documents(tasks: list[EvalTask]) -> None:
    """Refuse tasks of one folder whose first local documents cannot be scored.

    Args:
        tasks: with the same `include_path`.

    Raises:
        UserError: names the file and line, or the column that is missing.
    """
    wanted = {task.name: task for task in tasks}
    for config, path in _configurations(Path(tasks[0].include_path or "")):
        if (task := wanted.get(config.get("task"))) is not None:
            _check(task, config, path)


def _check(task: EvalTask, config: dict[str, Any], path: Path) -> None:
    files = resolve_files(config, path)
    scored = config.get("test_split") or config.get("validation_split")
    if (rows := _first_rows(task, config, files, scored)) is not None:
        require_columns(task, rows)
        _check_rows(config, rows)
    if not task.shots or config.get("fewshot_config"):
        return
    # lm-eval's order of the splits that give examples.
    names = ("fewshot_split", "training_split", "validation_split")
    split = next((config[name] for name in names if config.get(name)), scored)
    if (rows := _first_rows(task, config, files, split)) is not None:
        _check_rows(config, rows, examples=True)
        if len(rows) < ROWS:
            require_examples(task.name, task.shots, len(rows), split == scored)


def _first_rows(task: EvalTask, config: dict[str, Any], files: dict, split: Any) -> Rows | None:
    """The first rows of a split; None if they are not read here, or made by Python code."""
    paths = files.get(split, [])
    if not paths or not are_read_here(config, files) or any(_is_large(file) for file in paths):
        return None
    rows = local_rows(paths, task.name, ROWS)
    unknown = by_code in (config.get("process_docs"), *(config.get(name) for name in FIELDS))
    return None if unknown else rows


def _check_rows(config: dict[str, Any], rows: Rows, examples: bool = False) -> None:
    light = _LightTask(config, rows)
    place = rows.places.__getitem__
    check_documents(light, rows, place, light.config, published=False, examples=examples)


def _is_large(file: Path) -> bool:
    return file.suffix == ".json" and file.stat().st_size > LARGE


class _LightTask:
    """What `check_documents` needs of lm-eval's task."""

    def __init__(self, config: dict[str, Any], rows: Rows) -> None:
        self.features = rows.features
        self.OUTPUT_TYPE = config.get("output_type", "generate_until")
        compiled = compile_templates(
            {name: config.get(name) for name in FIELDS}, set(rows.features)
        )
        others = {name: config.get(name) for name in ("task", "process_results")}
        self.config = SimpleNamespace(**others, **compiled)

    def doc_to_text(self, doc: dict, value: Any) -> Any:
        if isinstance(value, str):
            return doc[value]
        if isinstance(value, dict):
            return list(value.values())
        return value(doc) if callable(value) else value

    doc_to_target = doc_to_text
    doc_to_choice = doc_to_text


def _configurations(folder: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    for path in sorted(folder.glob("**/*.yaml")):
        try:
            config = read_task_config(path)
        except UserError:
            continue  # none of the tasks: their YAMLs were read for their metrics
        if isinstance(config.get("task"), str):
            yield config, path
