"""`lethe evaluate`: score any local checkpoint directory on lm-eval tasks and print a table."""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.manifests import Altered, verify
from lethe.errors import UserError, one_line
from lethe.evaluation.specification import ENGINES, SPLITS, EvalTask

COLUMNS = ("task", "subset", "metric", "value", "stderr", "n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe evaluate`."""
    parser.add_argument("--model", required=True, help="checkpoint directory (hub format)")
    parser.add_argument("--tasks", required=True, nargs="+", help="lm-eval task names")
    parser.add_argument("--include-path", help="folder with task YAMLs; default: lm-eval's own")
    parser.add_argument("--split", default="test", choices=SPLITS, help="default: test")
    parser.add_argument("--limit", type=int, help="score only the first N documents of each task")
    parser.add_argument("--shots", type=int, help="examples before a question; default: the YAML's")
    parser.add_argument(
        "--engine",
        default="fast",
        choices=ENGINES,
        help="what runs the forward passes, with the same scores: fast (default) computes shared "
        "prefixes once, stock is lm-eval's own",
    )
    parser.add_argument(
        "--chat",
        nargs="?",
        const=True,
        metavar="SYSTEM",
        help="put questions through the model's chat template, with this system prompt if given",
    )
    parser.add_argument("--out", help="folder that keeps results; kept ones are not rerun")
    parser.add_argument("--json", action="store_true", help="print everything, items too, as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Score with the parsed options, and print."""
    names = [name for entry in arguments.tasks for name in entry.split(",") if name]
    results = evaluate(
        arguments.model,
        names,
        arguments.include_path,
        arguments.split,
        arguments.limit,
        arguments.out,
        shots=arguments.shots,
        engine=arguments.engine,
        chat=arguments.chat,
    )
    print(json.dumps(results, indent=2, sort_keys=True) if arguments.json else table(results))


def evaluate(
    model_dir: Path | str,
    task_names: list[str],
    include_path: str | None = None,
    split: str = "test",
    limit: int | None = None,
    out: Path | str | None = None,
    shots: int | None = None,
    engine: str = "fast",
    chat: bool | str | None = None,
) -> list[dict]:
    """Results of `score_checkpoint`, one per task.

    Args:
        shots: None takes the number that each task's YAML declares.
        out: folder that keeps one file per task; None keeps nothing.
        engine: as in `score_checkpoint`.
        chat: whether questions are put through the chat template; a text is the system prompt.

    Raises:
        UserError: the checkpoint is not complete, or differs from its manifest; a task is unknown
            or repeated, or the limit or number of shots is out of range.
    """
    _check_numbers(task_names, limit, shots)
    from lethe.models.loading import check_checkpoint, made_here

    directory = Path(model_dir)
    check_checkpoint(directory)
    if manifest := made_here(directory):
        _require_unaltered(directory, manifest)
    from lethe.evaluation.harness import score_checkpoint
    from lethe.evaluation.tasks import declared_shots

    tasks = [EvalTask(name, include_path, split=split, limit=limit) for name in task_names]
    tasks = [replace(t, shots=declared_shots(t) if shots is None else shots) for t in tasks]
    weights = weights_sha256(directory)
    how: dict[str, Any] = {"engine": engine}
    if chat == "":
        raise UserError("--chat: expected a system prompt or no value at all, found an empty one.")
    if chat:
        how["chat"] = {"system": chat if isinstance(chat, str) else None}
    if out is not None:
        return score_checkpoint(directory, weights, tasks, Path(out), **how)
    with tempfile.TemporaryDirectory() as folder:
        return score_checkpoint(directory, weights, tasks, Path(folder), **how)


def weights_sha256(directory: Path) -> str:
    """Hex sha256 of the weights file; of several shards, a digest over all of them."""
    hashes = {path.name: sha256_file(path) for path in directory.glob("*.safetensors")}
    return hashes[next(iter(hashes))] if len(hashes) == 1 else digest(hashes)


def table(results: list[dict]) -> str:
    """Readable table of the scores, one line per task, subset and metric."""
    lines = [COLUMNS]
    for result in results:
        for row in result["scores"]:
            stderr = "" if row["stderr"] is None else f"{row['stderr']:.4f}"
            value = f"{row['value']:.4f}"
            subset = one_line(row["subset"])
            lines.append((result["task"], subset, row["metric"], value, stderr, str(row["n"])))
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 3 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _require_unaltered(directory: Path, manifest: str) -> None:
    try:
        verify(directory, manifest, any_folder=True)
    except Altered as error:
        raise UserError(f"{error.reason}; copy the checkpoint here again.") from None


def _check_numbers(task_names: list[str], limit: int | None, shots: int | None) -> None:
    repeated = sorted({name for name in task_names if task_names.count(name) > 1})
    if not task_names or repeated:
        found = f"{repeated[0]} twice" if repeated else "none"
        raise UserError(f"--tasks: expected each evaluation task once, found {found}.")
    if limit is not None and limit < 1:
        raise UserError(f"--limit: expected a whole number above 0, found {limit}.")
    if shots is not None and shots < 0:
        raise UserError(f"--shots: expected 0 or more, found {shots}.")
