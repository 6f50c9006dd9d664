"""Read a result file of lm-eval (`lm_eval --output_path`, or what simple_evaluate returns)."""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lethe.artefacts.strict_json import digest
from lethe.errors import UserError
from lethe.imported.items import is_sample

# The end of the names that lm-eval gives to a result file and to the samples beside it.
DATE = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json$")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")

TABLES = {
    "config": object,
    "configs": dict,
    "group_subtasks": list,
    "groups": dict,
    "higher_is_better": dict | None,
    "n-samples": dict,
    "n-shot": object,
    "samples": list,
    "task_hashes": object,
    "versions": object,
}
"""Mappings beside `results`, each of which may be missing, and what they hold by task."""


@dataclass(frozen=True)
class TaskResult:
    """What a result file says of one task or group.

    Attributes:
        leaves: the tasks that a group is made of; of a task, itself.
        values: by (metric, filter), as `acc,none` is ("acc", "none").
        n: items scored; None where neither the file nor its samples say it.
        hashed: digest over the documents and prompts as lm-eval logged them; None without samples.
        configured: digest of the task's configuration; None where the file has none.
    """

    name: str
    leaves: tuple[str, ...]
    values: dict[tuple[str, str], float]
    stderr: dict[tuple[str, str], float]
    higher_is_better: dict[str, bool]
    n: int | None
    version: str
    shots: int | None
    hashed: str | None
    configured: str | None


@dataclass(frozen=True)
class ResultFile:
    """One result file; `samples` are those inside it, by task (simple_evaluate's return value)."""

    path: Path
    tasks: dict[str, TaskResult]
    dtype: str
    params: int | None
    lm_eval_version: str
    samples: dict[str, list[dict]] = field(default_factory=dict)


def read_result_file(path: Path | str, where: str) -> ResultFile:
    """The tasks of a result file; `where` is the key that names it.

    Raises:
        UserError: there is no such file, or it is no result of lm-eval.
    """
    path = Path(path)
    raw = _read_json(path, where)
    results = raw.get("results") if isinstance(raw, dict) else None
    if not _is_table(results) or not ("versions" in raw or "configs" in raw):
        raise UserError(
            f"{where}: {path} is not a result file of lm-eval (expected the keys `results` and "
            "`versions`, as `lm_eval --output_path` writes them)."
        )
    _require_tables(raw, f"{where}: {path}")
    results = {**results, **(raw.get("groups") or {})}
    config = raw.get("config") or {}
    return ResultFile(
        path=path,
        tasks={name: _task(name, entry, raw) for name, entry in results.items() if _has(entry)},
        dtype=str(config.get("model_dtype") or "unknown").removeprefix("torch."),
        params=_whole(config.get("model_num_parameters")),
        lm_eval_version=str(raw.get("lm_eval_version") or ""),
        samples=raw.get("samples") or {},
    )


def sample_file(result: Path, task: str) -> Path | None:
    """The samples of a task that lm-eval wrote beside a result file; None if it wrote none."""
    dated = DATE.search(result.name)
    if dated is None:
        return None
    path = result.with_name(f"samples_{task}_{dated[1]}.jsonl")
    return path if path.is_file() else None


def _read_json(path: Path, where: str) -> Any:
    try:
        # NaN stands for a number that lm-eval could not compute: the value is absent.
        text = path.read_bytes().decode("utf-8")
        return json.loads(text, parse_constant=lambda _: None)
    except OSError as error:
        raise UserError(f"{where}: {path} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        hint = " (samples are found by themselves)" if path.suffix == ".jsonl" else ""
        raise UserError(f"{where}: {path} is not JSON ({error}){hint}.") from None


def _require_tables(raw: dict[str, Any], where: str) -> None:
    """Refuse a file whose parts are not of the form that lm-eval gives them."""
    for key, inner in TABLES.items():
        table = raw.get(key) or {}
        if not isinstance(table, dict) or not all(isinstance(x, inner) for x in table.values()):
            raise UserError(f"{where}: `{key}` is not as lm-eval writes it; was the file altered?")
    samples = [sample for task in (raw.get("samples") or {}).values() for sample in task]
    if not all(map(is_sample, samples)):
        raise UserError(f"{where}: `samples` are not as lm-eval logs them; was the file altered?")


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def _has(entry: dict) -> bool:
    """A group without an aggregate has a row that holds no number."""
    return any("," in key and _is_number(value) for key, value in entry.items())


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _task(name: str, entry: dict, raw: dict) -> TaskResult:
    values, stderr = {}, {}
    for key, value in entry.items():
        metric, comma, filtered = key.partition(",")
        if comma and _is_number(value):
            into = stderr if metric.endswith("_stderr") else values
            into[metric.removesuffix("_stderr"), filtered] = float(value)
    leaves = _leaves(name, raw.get("group_subtasks") or {})
    better = (raw.get("higher_is_better") or {}).get(name) or {}
    size = entry.get("sample_len")
    return TaskResult(
        name=name,
        leaves=leaves,
        values=values,
        stderr=stderr,
        higher_is_better={k: v for k, v in better.items() if isinstance(v, bool)},
        n=_items(leaves, raw) or _whole(size),
        version=_version(name, leaves, raw),
        shots=_shots(name, leaves, raw),
        hashed=_combined(raw.get("task_hashes"), leaves, str),
        configured=_combined(raw.get("configs"), leaves, _config_digest),
    )


def _leaves(name: str, subtasks: dict[str, list[str]], above: tuple = ()) -> tuple[str, ...]:
    """Tasks at the bottom of a group, sorted; a name that is no group is its own."""
    if name in above:
        return ()
    parts = [str(part) for part in subtasks.get(name) or []]
    if not parts:
        return (name,)
    return tuple(
        sorted({leaf for part in parts for leaf in _leaves(part, subtasks, (*above, name))})
    )


def _items(leaves: tuple[str, ...], raw: dict) -> int | None:
    counts = raw.get("n-samples") or {}
    samples = raw.get("samples") or {}
    found = []
    for leaf in leaves:
        if effective := _whole(counts.get(leaf, {}).get("effective")):
            found.append(effective)
        elif leaf in samples:
            found.append(len({sample.get("doc_id") for sample in samples[leaf]}))
        else:
            return None
    return sum(found)


def _version(name: str, leaves: tuple[str, ...], raw: dict) -> str:
    """Of a group also the versions of its tasks, which change its score."""
    versions = raw.get("versions") or {}
    own = [str(versions[name])] if versions.get(name) is not None else []
    below = sorted({str(versions.get(leaf)) for leaf in leaves if leaf in versions})
    parts = [*own, *(below if leaves != (name,) and below != own else [])]
    return "/".join(parts) or "unknown"


def _shots(name: str, leaves: tuple[str, ...], raw: dict) -> int | None:
    shots = raw.get("n-shot") or {}
    found = {shots[leaf] for leaf in leaves if isinstance(shots.get(leaf), int)}
    found = found or ({shots[name]} if isinstance(shots.get(name), int) else set())
    # A group whose tasks differ has no one number; their configurations tell them apart.
    return found.pop() if len(found) == 1 else None


def _combined(entries: dict | None, leaves: tuple[str, ...], describe) -> str | None:
    entries = entries or {}
    if any(leaf not in entries for leaf in leaves):
        return None
    found = {leaf: describe(entries[leaf]) for leaf in leaves}
    return digest(found)


def _config_digest(config: dict) -> str:
    """Of what defines the task: not where functions and files lay, nor the model's arguments."""
    elsewhere = ("metadata", "num_fewshot", "dataset_kwargs")
    kept = {key: value for key, value in config.items() if key not in elsewhere}
    return digest(ADDRESS.sub("", json.dumps(kept, sort_keys=True, default=str)))
