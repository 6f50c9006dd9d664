"""Scores a checkpoint on lm-eval tasks with one load, keeping one result file per task."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lm_eval.evaluator
from lm_eval.api.model import LM

from lethe.artefacts.files import digest, read_object
from lethe.artefacts.fingerprint import fingerprint
from lethe.artefacts.kept import keep, read_kept
from lethe.data.chat import Chat, require_chat
from lethe.errors import UserError
from lethe.evaluation.checkpoint import (
    device_of,
    identifying_files,
    identity_of_adapter,
    open_checkpoint,
)
from lethe.evaluation.engines.registry import code_of, wrap
from lethe.evaluation.fetched_dataset import renamed_columns_as_sentences
from lethe.evaluation.filters import joined
from lethe.evaluation.groups import merge
from lethe.evaluation.lookup import members
from lethe.evaluation.outcomes import outcomes, require_columns
from lethe.evaluation.scores import items_of, scores_of
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.task_digest import task_digest
from lethe.evaluation.tasks import TaskSource, build, find
from lethe.parametrisations.composed import is_part

__all__ = ["EvalTask", "score_checkpoint"]

LOG = logging.getLogger(__name__)
BATCH_SIZE = 64
"""Texts a batch."""

# Code that a score depends on, besides the engine's and the task's own functions.
SCORING_CODE = [
    "lethe.evaluation.filters",
    "lethe.evaluation.outcomes",
    "lethe.evaluation.scores",
    "lethe.evaluation.tasks",
]


@dataclass(frozen=True)
class _Job:
    """One task to be scored or found in the store."""

    task: EvalTask
    source: TaskSource
    digest: str
    file: Path
    chat: Chat | None


def score_checkpoint(
    directory: Path,
    weights_sha256: str,
    tasks: list[EvalTask],
    store: Path,
    *,
    engine: str = "fast",
    dtype: str = "float32",
    batch_size: int = BATCH_SIZE,
    tell: Callable[[int, int], None] = lambda done, of: None,
    chat: Chat | None = None,
    adapter: Path | None = None,
    device: str = "auto",
) -> list[dict]:
    """Score a checkpoint on every task; results already in `store` are not computed again.

    Args:
        directory: a plain hub directory with safetensors weights and a tokenizer.
        weights_sha256: digest of the weights; part of the key under which results are kept.
        store: folder with one file per task, `{task}-{key}.json`, written when the task is done.
        engine: see `engines.registry`; both give the same scores up to rounding.
        dtype: dtype of the weights; log-probabilities are always computed in float32.
        tell: called after every task that is scored, with the number done and of all.
        chat: questions are put through the tokenizer's chat template, as by lm-eval's
            `--apply_chat_template`; None: they are given as they are.
        adapter: folder of an adapter that is merged into the model.
        device: `cpu`, `cuda`, `cuda:N`, or `auto` for a GPU if there is one. Scores of CPU and GPU
            differ in rounding, and are kept apart.

    Returns:
        One result per task, in the order of `tasks`; a group's covers the items of its tasks.

    Raises:
        UserError: an unknown task or engine, or a checkpoint that cannot be loaded.
    """
    directory, store = Path(directory), Path(store)
    settings: dict[str, Any] = {"engine": engine, "dtype": dtype}
    if chat is not None:
        settings["chat"] = dict(chat)
    shared = {**settings, "weights": weights_sha256, **_identity(directory, adapter, engine)}
    if (kind := device_of(device).type) != "cpu":
        shared["device"] = kind  # its rounding is another
    if batch_size != BATCH_SIZE:
        shared["batch_size"] = batch_size
    groups = [[_job(member, shared, store) for member in members(task)] for task in tasks]
    jobs = list({job.file: job for group in groups for job in group}.values())
    kept = {job.file: read_kept(job.file) for job in jobs}
    if missing := [job for job in jobs if kept[job.file] is None]:
        with _without_notices():
            model, tokenizer = open_checkpoint(directory, dtype, adapter, device)
            if chat is not None:
                require_chat(tokenizer, chat, str(adapter or directory))
            lm = wrap(model, tokenizer, batch_size, engine)
        kept |= _score_and_keep(missing, lambda job: {**_score(lm, job), **settings}, tell)
    return [_result(task, group, kept) for task, group in zip(tasks, groups, strict=True)]


def _identity(directory: Path, adapter: Path | None, engine: str) -> dict[str, Any]:
    """What scores depend on besides the weights and the settings: files and code."""
    code = [*SCORING_CODE, code_of(engine, _classes(directory))]
    identity: dict[str, Any] = {}
    if adapter is not None:
        code.append("lethe.models.adapters")
        identity["adapter"] = identity_of_adapter(adapter)
    elif is_part(directory):
        code.append("lethe.parametrisations.composed")
    identity |= {"files": identifying_files(directory), "lm_eval": lm_eval.__version__}
    return {**identity, "code": fingerprint(code)}


def _classes(directory: Path) -> list[str] | None:
    """The model classes that a checkpoint's configuration names, if it has one."""
    path = directory / "config.json"
    return read_object(path).get("architectures") if path.is_file() else None


def _result(task: EvalTask, jobs: list[_Job], kept: dict[Path, dict]) -> dict:
    """The result of a task, or of a group as one set, from the kept results by file."""
    results = [{**kept[job.file], **_annotations(task)} for job in jobs]
    if [job.task.name for job in jobs] == [task.name]:
        return results[0]
    return merge(task.name, results)


@contextmanager
def _without_notices() -> Iterator[None]:
    """Silences lm-eval's warnings about intended settings: a model object, few-shot defaults."""
    log = logging.getLogger("lm_eval")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _job(task: EvalTask, shared: dict[str, Any], store: Path) -> _Job:
    source = find(task)
    of_task = task_digest(source)
    key = digest(
        {
            **shared,
            "task": of_task,
            "split": task.split,
            "limit": task.limit,
            "shots": task.shots,
            "cluster": task.cluster,
            "subset": task.subset,
        }
    )
    name = f"{task.name.replace('/', '_')}-{key[:12]}.json"
    return _Job(task, source, of_task, store / name, shared.get("chat"))


def _score_and_keep(
    jobs: list[_Job], score: Callable[[_Job], dict], tell: Callable[[int, int], None]
) -> dict[Path, dict]:
    """Results by file, each written while the next is computed: the disk takes as long."""
    results, writes = {}, []
    with ThreadPoolExecutor(max_workers=1) as writer:
        for job in jobs:
            tell(len(results), len(jobs))
            results[job.file] = score(job)
            writes.append(writer.submit(keep, job.file, results[job.file]))
    for write in writes:
        write.result()
    return results


def _annotations(task: EvalTask) -> dict[str, Any]:
    return {"axis": task.axis, "chance": task.chance}


def _score(lm: LM, job: _Job) -> dict:
    folder = job.source.folder
    if folder is None:
        return _evaluate(lm, job)
    with renamed_columns_as_sentences(folder, job.source.config.get("dataset_name"), job.task.name):
        return _evaluate(lm, job)


def _evaluate(lm: LM, job: _Job) -> dict:
    started = time.perf_counter()
    task, chat = job.task, job.chat
    with _without_notices():
        lm_task = build(job.source)
    require_columns(task, lm_task.eval_docs)
    evaluated = lm_eval.evaluator.evaluate(
        lm=lm,
        task_dict={"tasks": {task.name: lm_task}, "groups": {}},
        limit=task.limit,
        bootstrap_iters=0,
        log_samples=True,
        apply_chat_template=chat is not None,
        fewshot_as_multiturn=chat is not None,  # as lm-eval's command line has it
        system_instruction=None if chat is None else chat["system"],
    )
    samples = joined(evaluated["samples"][task.name])
    per_item = outcomes(task, lm_task, samples)
    _check_finite(task, per_item)
    return {
        "task": task.name,
        **_annotations(task),
        "split": task.split,
        "shots": task.shots,
        "version": str(lm_task.VERSION),
        "task_digest": job.digest,
        "lm_eval_version": lm_eval.__version__,
        "n": len(per_item),
        "encoded_apart": _encoded_apart(lm, lm_task, samples),
        "scores": scores_of(lm_task, per_item),
        "items": items_of(lm_task, per_item),
        "seconds": round(time.perf_counter() - started, 3),
    }


def _encoded_apart(lm: LM, lm_task: Any, samples: list[dict]) -> int:
    """How many items have an answer that begins within a token; one warning if any has."""
    if lm_task.OUTPUT_TYPE not in ("multiple_choice", "loglikelihood"):
        return 0  # no answers to given texts
    apart = sum(not lm.apart.isdisjoint(sample["arguments"]) for sample in samples)
    if apart:
        LOG.warning(
            "%s: in %d of %d items a token would span question and answer. They were encoded "
            "apart, so that the whole answer is scored; lm-eval leaves out its beginning.",
            lm_task.config.task,
            apart,
            len(samples),
        )
    return apart


def _check_finite(task: EvalTask, per_item: list) -> None:
    for outcome in per_item:
        values = [*(outcome.choice_logprobs or []), outcome.gold_logprob or 0.0]
        value = next((value for value in values if not math.isfinite(value)), None)
        if value is not None:
            raise UserError(
                f"{task.name}: the model gives the log-probability {value} for item "
                f"{outcome.item_id}; its weights are broken (training diverged?)."
            )
