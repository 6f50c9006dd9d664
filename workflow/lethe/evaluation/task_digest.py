"""The identity of a task as one digest: its configuration, the code it names and its data."""

import inspect
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.fingerprint import PACKAGE, fingerprint
from lethe.evaluation.tasks import TaskSource, build, file_hashes


def task_digest(source: TaskSource) -> str:
    """Hex sha256 over the resolved configuration, its functions' code and the data's content.

    Local and fetched files count by their bytes, not their paths. Data that only lm-eval finds
    counts by path, name, revision and its fingerprint in `datasets`; the task is built to get it.
    """
    config = {key: value for key, value in source.config.items() if key != "dataset_kwargs"}
    arguments = dict(source.config.get("dataset_kwargs") or {})
    if source.files or source.folder:
        arguments["data_files"] = file_hashes(source)
    config["dataset_kwargs"] = arguments
    described: dict[str, Any] = {"config": _plain(config)}
    if not source.files and not source.folder:
        dataset = build(source).dataset
        splits = dataset if isinstance(dataset, dict) else {"": dataset}
        described["data"] = {
            name: getattr(split, "_fingerprint", str(len(split))) for name, split in splits.items()
        }
    return digest(described)


def _plain(value: Any) -> Any:
    """A JSON value; functions become the digest of the code that they run."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if callable(value):
        return {"function": value.__qualname__, "code": _code_of(value)}
    return value


def _code_of(function: Any) -> str:
    """Digest of a function's code: for our own without comments, with imports; else of its file."""
    if function.__module__.partition(".")[0] == PACKAGE:
        return fingerprint([function.__module__])
    file = inspect.getsourcefile(function)
    return sha256_file(Path(file)) if file else repr(function)
