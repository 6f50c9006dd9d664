"""Score any checkpoint or adapter on lm-eval's tasks or your own, and print a table."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import score_store
from lethe.commands import named_nodes
from lethe.commands.named_nodes import checkpoint_of, require_model
from lethe.commands.study_sets import choose
from lethe.errors import UserError
from lethe.evaluation.probe_tasks import Asked, TextSet
from lethe.evaluation.specification import DTYPES, ENGINES, SPLITS, EvalTask
from lethe.terminal import table

COLUMNS = ("task", "subset", "metric", "value", "stderr", "n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe evaluate`."""
    parser.add_argument(
        "given",
        nargs="?",
        metavar="MODEL",
        help="a checkpoint's folder, a PEFT adapter's folder, a name of the hub (OWNER/NAME or "
        "OWNER/NAME@REVISION), or a checkpoint of a study by words (xs/ewc/forward/2@0)",
    )
    parser.add_argument("--model", help="another way to give MODEL")
    parser.add_argument("--base", metavar="MODEL", help="of an adapter, if its file does not say")
    add_task_arguments(parser)
    add_place_arguments(parser)
    add_scoring_arguments(parser)
    parser.add_argument("--out", help="folder that keeps results; kept ones are not rerun")
    parser.add_argument("--json", action="store_true", help="print everything, items too, as JSON")


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """What is asked; `lethe compare` has the same options."""
    group = parser.add_argument_group("what is asked")
    group.add_argument(
        "--tasks",
        action="extend",
        nargs="+",
        metavar="TASK",
        help="names (`lethe tasks` lists them), folders of task YAMLs, or YAML files; default for "
        "checkpoints of a study: its own evaluation sets",
    )
    group.add_argument(
        "--include-path",
        action="append",
        default=[],
        metavar="DIR",
        help="folder in which names are looked up; may be repeated, the first goes before others",
    )
    group.add_argument("--split", choices=SPLITS, help="default: test, or the study's")
    group.add_argument("--limit", type=int, metavar="N", help="only the first N documents of each")
    group.add_argument(
        "--shots", type=int, metavar="N", help="examples before a question; default: the YAML's"
    )


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Where models and data come from."""
    group = parser.add_argument_group("where models and data come from")
    named_nodes.add_place_arguments(group)
    group.add_argument(
        "--source",
        metavar="DIR",
        help="folder with copies of hub repositories, each in DIR/OWNER/NAME",
    )
    group.add_argument(
        "--network",
        action="store_true",
        help="fetch what is needed from the hub; otherwise nothing is ever fetched",
    )


def add_scoring_arguments(parser: argparse.ArgumentParser) -> None:
    """How it is computed."""
    group = parser.add_argument_group("how it is computed")
    group.add_argument(
        "--dtype",
        default="float32",
        choices=(*DTYPES, "auto"),
        help="of the weights; auto: as they are in the file. Default: float32",
    )
    group.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): a GPU if there is"
    )
    group.add_argument(
        "--engine",
        default="fast",
        choices=ENGINES,
        help="the same scores: fast (default) computes shared beginnings once, stock is lm-eval's",
    )
    group.add_argument(
        "--batch-size", type=int, default=64, metavar="N", help="texts a batch; default: 64"
    )
    group.add_argument(
        "--chat",
        nargs="?",
        const=True,
        metavar="SYSTEM",
        help="put questions through the model's chat template, with this system prompt if given",
    )


def run(arguments: argparse.Namespace) -> None:
    """Score with the parsed options, and print."""
    if (arguments.given is None) == (arguments.model is None):
        found = "none" if arguments.model is None else f"{arguments.given} and {arguments.model}"
        before = ""
        if found == "none" and arguments.tasks:
            before = "; give it before --tasks, which takes all that follows"
        raise UserError(f"MODEL: expected one checkpoint to evaluate, found {found}{before}.")
    model = arguments.given or arguments.model
    checkpoint = checkpoint_of(arguments.results, model, arguments.study)
    if checkpoint is None:
        require_model(arguments, model)
    asked = choose(arguments, [checkpoint] if checkpoint else [], model)
    options = options_of(arguments, asked)
    if checkpoint:
        say_scored(checkpoint.words, of_study=True)
        model = checkpoint.made()
        options["made"] = score_store(checkpoint.results, checkpoint.node)
    results = evaluate(model, **options)
    print(json.dumps(results, indent=2, sort_keys=True) if arguments.json else as_text(results))


def say_scored(words: str, of_study: bool) -> None:
    """Say what is scored. Of a study's checkpoint, scores that are kept are not made again."""
    kept = " (what was scored before is kept)" * of_study
    print(f"lethe: scoring {words}{kept}", file=sys.stderr, flush=True)


def options_of(arguments: argparse.Namespace, asked: Mapping[str, Asked]) -> dict[str, Any]:
    """The keyword arguments of `evaluate` that parsed options give. asked: a study's own sets."""
    names = [name for entry in arguments.tasks for name in entry.split(",") if name]
    others = ("include_path", "split", "limit", "shots", "source", "network")
    others += ("dtype", "device", "engine", "batch_size", "chat", "base", "out")
    studys = {name: one.task for name, one in asked.items()}
    given = {name: getattr(arguments, name) for name in others}
    return {"task_names": names, "studys": studys, **given}


def evaluate(
    model: Path | str,
    task_names: list[str],
    include_path: str | Sequence[str] = (),
    split: str | None = None,
    limit: int | None = None,
    out: Path | str | None = None,
    shots: int | None = None,
    engine: str = "fast",
    chat: bool | str | None = None,
    *,
    dtype: str = "float32",
    device: str = "auto",
    batch_size: int = 64,
    base: Path | str | None = None,
    source: Path | str | None = None,
    network: bool = False,
    studys: Mapping[str, EvalTask | TextSet] | None = None,
    made: Path | None = None,
) -> list[dict]:
    """Results of `score_checkpoint`, one per task.

    Args:
        model: folder of a checkpoint or of a PEFT adapter, or a name of the hub, `OWNER/NAME` or
            `OWNER/NAME@REVISION`.
        task_names: names of tasks or groups, folders of task YAMLs (all tasks in them), or YAMLs.
        include_path, split, limit, shots, studys: as in `named_tasks`; one folder may be a text.
        out: folder that keeps one file per task; None keeps nothing.
        engine: as in `score_checkpoint`.
        chat: whether questions are put through the chat template; a text is the system prompt.
        dtype: of the weights; `auto`: as they are in the file.
        device: `cpu`, `cuda`, `cuda:N` or `auto`.
        base: the model of an adapter, if not the one that its configuration names.
        source: folder with copies of hub repositories, each in `source/OWNER/NAME`.
        network: whether the hub may be asked for what is needed.
        made: folder with scores that count as computed where `out` keeps none, as that of a study.

    Raises:
        UserError: the model or data is not here; the checkpoint is not complete, or differs from
            its manifest; a task is unknown or repeated, or a number is out of range.
    """
    _check_values(limit, shots, batch_size, chat)
    from lethe.sources.hub.copies import HubCopies

    hub = HubCopies(None if source is None else Path(source), network)
    from lethe.evaluation.harness import score_checkpoint
    from lethe.evaluation.targets import find_target
    from lethe.evaluation.task_names import named_tasks

    target = find_target(model, hub, base)
    folders = [include_path] if isinstance(include_path, str) else include_path
    tasks, texts = [], of_texts(task_names, studys or {})
    if names := [name for name in task_names if name not in texts]:
        asked = {n: one for n, one in (studys or {}).items() if isinstance(one, EvalTask)}
        tasks = named_tasks(names, folders, split, limit, shots, hub, asked, tuple(studys or ()))
    how: dict[str, Any] = {"engine": engine, "batch_size": batch_size}
    how |= {"dtype": target.dtype if dtype == "auto" else dtype, "device": device}
    if chat:
        how["chat"] = {"system": chat if isinstance(chat, str) else None}
    with tempfile.TemporaryDirectory() as folder:
        store = _with_scores(made, Path(folder)) if out is None else Path(out)
        results = []
        if tasks or not texts:
            results = score_checkpoint(
                target.directory, target.weights, tasks, store, adapter=target.adapter, **how
            )
        return results + _scored_texts(target, texts.values(), store, split, limit, how["dtype"])


def of_texts(names: Sequence[str], studys: Mapping[str, EvalTask | TextSet]) -> dict[str, TextSet]:
    """By name, the sets of held-out texts among those that are named."""
    return {n: one for n in names if isinstance(one := studys.get(n), TextSet)}


def _scored_texts(
    target: Any,
    texts: Iterable[TextSet],
    store: Path,
    split: str | None,
    limit: int | None,
    dtype: str,
) -> list[dict]:
    """The results of held-out texts, as the study scores them."""
    from lethe.evaluation.masked_loss import score_texts

    results = []
    for one in texts:
        if target.adapter is not None:
            raise UserError(
                f"--tasks: the texts of {one.name} are scored on a whole model, and "
                f"{target.adapter} is an adapter; leave the set out, or merge the adapter first."
            )
        if split not in (None, one.split):
            raise UserError(
                f"--split: the texts of {one.name} are those of {one.split}; leave it out."
            )
        of = (target.directory, target.weights, [one.asked()], store, one.split)
        results += score_texts(*of, limit or one.limit, dtype)
    return results


def _with_scores(made: Path | None, store: Path) -> Path:
    """A store for one call, with scores that were made elsewhere under the names that tell them."""
    for path in made.glob("*.json") if made else ():
        (store / path.name).symlink_to(path.resolve())
    return store


def as_text(results: list[dict]) -> str:
    """Readable table of the scores, one line per task, subset and metric."""
    rows = []
    for result in results:
        for row in result["scores"]:
            stderr = "" if row["stderr"] is None else f"{row['stderr']:.4f}"
            value = f"{row['value']:.4f}"
            rows.append(
                (result["task"], row["subset"], row["metric"], value, stderr, str(row["n"]))
            )
    return table(COLUMNS, rows, right=(3, 4, 5))


def _check_values(
    limit: int | None, shots: int | None, batch_size: int, chat: bool | str | None
) -> None:
    if limit is not None and limit < 1:
        raise UserError(f"--limit: expected a whole number above 0, found {limit}.")
    if shots is not None and shots < 0:
        raise UserError(f"--shots: expected 0 or more, found {shots}.")
    if chat == "":
        raise UserError("--chat: expected a system prompt or no value at all, found an empty one.")
    if batch_size < 1:
        raise UserError(f"--batch-size: expected a whole number above 0, found {batch_size}.")
