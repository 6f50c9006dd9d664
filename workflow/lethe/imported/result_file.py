"""Read a result file of lm-eval (`lm_eval --output_path`, or what simple_evaluate returns)."""

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.strict_json import digest, unique_keys, with_whole_characters
from lethe.errors import UserError, shown
from lethe.evaluation.dataset_places import LOCAL
from lethe.imported.items import is_sample, number_of
from lethe.imported.scale import is_better_if_higher
from lethe.imported.settings import settings_of, tokenizer_of_base
from lethe.imported.task_config import config_digest, config_keys

# The end of the names that lm-eval gives to a result file and to the samples beside it.
DATE = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json$")

PLAIN = "none"
"""The filter of a metric that is computed of the answers as they are."""

PROMPT = ("doc_to_text", "fewshot_delimiter", "metric_list")
"""Keys of a task's configuration that show its prompts' questions, and how its scores are means."""

SHOWN = 24
"""Characters of a file's or folder's name in a message."""

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
"""Mappings beside `results`, and the type of what they hold by task. Any of them may be missing."""

UNKNOWN_DATASETS = {json.dumps(name) for name in (None, *LOCAL)}
"""Loaders of local files, as `dataset_path` names them, are no origin."""


@dataclass(frozen=True)
class TaskResult:
    """What a result file holds on one task or group.

    Attributes:
        leaves: the tasks of a group; for a task, the task itself.
        values: by (metric, filter): `acc,none` becomes ("acc", "none").
        n: items scored; None if neither the file nor its samples show it.
        hashed: digest over the documents and prompts as lm-eval logged them; None without samples.
        configured: digest of the task's configuration; None if the file has none.
        keys: digests of the configuration's keys, over all leaves; short values as they are.
        broken: values that are no number, as they stand in the file; by (metric, filter).
    """

    name: str
    leaves: tuple[str, ...]
    values: dict[tuple[str, str], float]
    stderr: dict[tuple[str, str], float]
    higher_is_better: dict[str, bool | None]
    n: int | None
    version: str
    shots: int | None
    hashed: str | None
    configured: str | None
    keys: dict[str, str]
    broken: dict[tuple[str, str], str]

    @property
    def dataset(self) -> str:
        """What tells the task's dataset from others; empty if it is not known, as of local files.

        Names of clusters are of one dataset: `0` of another is another cluster.
        """
        named = self.keys.get("dataset_path", "null")
        return "" if named in UNKNOWN_DATASETS else named


@dataclass(frozen=True)
class ResultFile:
    """One result file; `samples` are those inside it, by task (simple_evaluate's return value).

    Attributes:
        settings: what else changes its scores, as `settings_of` describes it.
        tokenizer: the setting of a tokenizer if the file is that of the base.
        prompts: by task the keys PROMPT of its configuration, and its number of examples.
    """

    path: Path
    tasks: dict[str, TaskResult]
    params: int | None
    settings: dict[str, str]
    tokenizer: dict[str, str]
    samples: dict[str, list[dict]] = field(default_factory=dict)
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """Its folder and name, of which the end is the date: what a message has room for."""
        return "/".join(
            part if len(part) <= SHOWN else f"…{part[-SHOWN:]}" for part in self.path.parts[-2:]
        )


def read_result_file(path: Path | str, where: str) -> ResultFile:
    """The tasks of a result file; `where` is the key that names it.

    Raises:
        UserError: the file does not exist, or is not a result of lm-eval.
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
    if _is_old(results):
        raise UserError(
            f"{where}: {path} has metrics without filters, as lm-eval wrote them before version "
            "0.4; score the checkpoint again with lm-eval 0.4."
        )
    tasks = {name: _task(name, entry, raw) for name, entry in results.items() if _has(entry)}
    _require_errors(tasks, f"{where}: {path}")
    return ResultFile(
        path=path,
        tasks=tasks,
        params=_whole((raw.get("config") or {}).get("model_num_parameters")),
        settings=settings_of(raw),
        tokenizer=tokenizer_of_base(raw),
        samples=raw.get("samples") or {},
        prompts={name: _prompt(name, config, raw) for name, config in _configs(raw).items()},
    )


def _configs(raw: dict[str, Any]) -> dict[str, dict]:
    configs = raw.get("configs") or {}
    return {name: config for name, config in configs.items() if isinstance(config, dict)}


def _prompt(name: str, config: dict, raw: dict[str, Any]) -> dict[str, Any]:
    shots = (raw.get("n-shot") or {}).get(name, config.get("num_fewshot"))
    return {key: config.get(key) for key in PROMPT} | {"num_fewshot": shots}


def sample_file(result: Path, task: str) -> Path | None:
    """The samples of a task that lm-eval wrote beside a result file; None if it wrote none."""
    dated = DATE.search(result.name)
    if dated is None or "/" in task:
        return None
    path = result.with_name(f"samples_{task}_{dated[1]}.jsonl")
    return path if os.path.isfile(path) else None  # unlike Path.is_file, it takes any text


def _read_json(path: Path, where: str) -> Any:
    try:
        # lm-eval writes NaN for a number that it could not compute, which is no JSON.
        text = path.read_bytes().decode("utf-8")
        return with_whole_characters(json.loads(text, object_pairs_hook=unique_keys), text)
    except OSError as error:
        raise UserError(f"{where}: {path} cannot be read: {disk_reason(error)}.") from None
    except (ValueError, RecursionError) as error:
        hint = " (files of samples are found automatically)" if path.suffix == ".jsonl" else ""
        raise UserError(f"{where}: {path} is not JSON ({error}){hint}.") from None


def _require_tables(raw: dict[str, Any], where: str) -> None:
    """Refuse a file whose parts do not have the form that lm-eval writes."""
    for key, inner in TABLES.items():
        table = raw.get(key) or {}
        if not isinstance(table, dict) or not all(isinstance(x, inner) for x in table.values()):
            raise UserError(f"{where}: `{key}` is not as lm-eval writes it; was the file altered?")
    samples = [sample for task in (raw.get("samples") or {}).values() for sample in task]
    if not all(map(is_sample, samples)):
        raise UserError(f"{where}: `samples` are not as lm-eval logs them; was the file altered?")


def _require_errors(tasks: dict[str, TaskResult], where: str) -> None:
    for name, task in tasks.items():
        for (metric, _), error in task.stderr.items():
            if error < 0:
                raise UserError(
                    f"{where}: the standard error of {metric!r} of {name!r} is {error:g}, expected "
                    "0 or more; was the file altered?"
                )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value <= sys.maxsize else None


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def _has(entry: dict) -> bool:
    """Whether an entry has a metric; the entry of a group without an aggregate has none."""
    return any("," in key and key.partition(",")[0].strip() for key in entry)


def _is_old(results: dict[str, dict]) -> bool:
    """Whether metrics have no filter, as before lm-eval 0.4: `acc`, not `acc,none`."""
    keys = {key for entry in results.values() for key in entry if _is_number(entry[key])}
    return bool(keys - {"sample_len"}) and not any("," in key for key in keys)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and number_of(value) is not None


def _task(name: str, entry: dict, raw: dict) -> TaskResult:
    values, stderr, broken = {}, {}, {}
    for key, value in entry.items():
        metric, comma, filtered = key.partition(",")
        if comma and _is_number(value):
            into = stderr if metric.endswith("_stderr") else values
            into[metric.removesuffix("_stderr"), filtered] = float(value)
        elif comma and not metric.endswith("_stderr"):
            broken[metric, filtered] = shown(value)
    leaves = _leaves(name, raw.get("group_subtasks") or {})
    better = (raw.get("higher_is_better") or {}).get(name) or {}
    size = entry.get("sample_len")
    return TaskResult(
        name=name,
        leaves=leaves,
        values=values,
        stderr=stderr,
        # Files of older versions do not say it.
        higher_is_better={metric: is_better_if_higher(metric) for metric, _ in values}
        | {metric: value for metric, value in better.items() if isinstance(value, bool)},
        n=_items(leaves, raw) or _whole(size),
        version=_version(name, leaves, raw),
        shots=_shots(name, leaves, raw),
        hashed=_combined(raw.get("task_hashes"), leaves, str),
        configured=_combined(raw.get("configs"), leaves, config_digest),
        keys=config_keys(raw.get("configs") or {}, leaves),
        broken=broken,
    )


def _leaves(name: str, subtasks: dict[str, list[str]], above: tuple = ()) -> tuple[str, ...]:
    """Tasks at the bottom of a group, sorted; for a task, the task itself."""
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
    sizes = []
    for leaf in leaves:
        if effective := _whole(counts.get(leaf, {}).get("effective")):
            sizes.append(effective)
        elif leaf in samples:
            sizes.append(len({sample.get("doc_id") for sample in samples[leaf]}))
        else:
            return None
    return sum(sizes)


def _version(name: str, leaves: tuple[str, ...], raw: dict) -> str:
    """The version; of a group with the versions of its tasks, which also change its score."""
    versions = raw.get("versions") or {}
    own = [str(versions[name])] if versions.get(name) is not None else []
    below = sorted({str(versions.get(leaf)) for leaf in leaves if leaf in versions})
    parts = [*own, *(below if leaves != (name,) and below != own else [])]
    return "/".join(parts) or "unknown"


def _shots(name: str, leaves: tuple[str, ...], raw: dict) -> int | None:
    shots = raw.get("n-shot") or {}
    numbers = {shots[leaf] for leaf in leaves if isinstance(shots.get(leaf), int)}
    numbers = numbers or ({shots[name]} if isinstance(shots.get(name), int) else set())
    # A group whose tasks differ has no single number; their configurations show the difference.
    return numbers.pop() if len(numbers) == 1 else None


def _combined(entries: dict | None, leaves: tuple[str, ...], describe) -> str | None:
    entries = entries or {}
    if any(leaf not in entries for leaf in leaves):
        return None
    return digest({leaf: describe(entries[leaf]) for leaf in leaves})
