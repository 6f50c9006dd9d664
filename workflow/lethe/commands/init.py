"""Write a study of your own to start from, with a comment on every key; nothing is overwritten.

Without --model and --train it asks for them on a terminal; elsewhere they are the smallest
miniature model and two of its tasks, which need no network. A file X_train.csv whose neighbour is
X_test.csv has an evaluation set of its own, in any format.
"""

import argparse
import os
import re
import shlex
import sys
from pathlib import Path

from lethe.artefacts.files import write_atomic
from lethe.artefacts.paths import CLONE, PROJECT, SCHEMAS
from lethe.commands.check import checked
from lethe.commands.named_studies import ENDINGS, FILE
from lethe.config.own_files import ENDINGS as TAUGHT
from lethe.config.own_files import renamed_columns
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.config.started import commented, miniature, started
from lethe.errors import UserError, one_line, shown

USUAL = "my-study"
TASKS = 2
"""Tasks of the miniature, unless others are named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe init`."""
    parser.add_argument(
        "place",
        nargs="?",
        type=Path,
        metavar="FILE.yaml|FOLDER",
        help=f"file to write, or a folder that gets {FILE}; default: {USUAL}.yaml",
    )
    parser.add_argument(
        "--model",
        help="a model of `lethe models`, a name of the hub (OWNER/NAME), or a folder in hub format",
    )
    parser.add_argument(
        "--train",
        action="extend",
        nargs="+",
        metavar="TASK",
        help="what is taught, in order: tasks of the miniature "
        f"({', '.join(miniature('tasks'))}), or files ({', '.join(TAUGHT)}) with columns `prompt` "
        "and `response`, or `text`; a .txt has a text a line",
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="optimizer steps of a stage, for a shorter first try"
    )
    parser.add_argument("--name", help="name of the study; default: that of the file or folder")
    parser.add_argument(
        "--family", choices=("causal", "seq2seq"), help="of a model of the hub; default: causal"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the study, if it is right.

    Raises:
        UserError: the file exists, or what is given makes no study.
    """
    if arguments.place is None and (arguments.train or [""])[-1].endswith(ENDINGS):
        # `--train a b my.yaml`: what is taught is never YAML.
        arguments.place = Path(arguments.train.pop())
    path, name = _place(arguments.place, arguments.name)
    if os.path.lexists(path):
        raise UserError(f"{path} exists, and nothing is overwritten; give another place.")
    if arguments.model is None and arguments.train is None and _is_asked():
        print(f"A study of your own, in {path}.")
    model = arguments.model or _answer(
        "Which model? One of the miniature "
        f"({', '.join(miniature('models'))}), a name of the hub (OWNER/NAME), or a folder",
        miniature("models")[0],
    )
    tasks = miniature("tasks")
    train = arguments.train or _words(
        _answer(
            f"What is it taught, in order? Tasks ({', '.join(tasks)}), or your own files",
            " ".join(tasks[:TASKS]),
        )
    )
    if arguments.steps is not None and arguments.steps < 1:
        raise UserError(f"--steps: expected a whole number above 0, found {arguments.steps}.")
    study = started(name, model, train, arguments.family, arguments.steps)
    parsed = parse_study(merge(read_yaml(DEFAULT), study))
    notes = checked(parsed, read_catalogue(parsed))["notes"]
    write_atomic(path, commented(study, _head(path, name, model, train)))
    for note in [*renamed_columns(study), *notes]:
        print(f"Note: {note}")
    if model in miniature("models"):
        print(f"Note: {model} is built here before its first stage, once, which takes minutes.")
    print(one_line(f"Wrote {path}: {model}, taught {', then '.join(train)}. Next:"))
    print(f"  lethe check {shlex.quote(str(path))}")
    print(f"  lethe run {shlex.quote(str(path))}")


def _place(place: Path | None, name: str | None) -> tuple[Path, str]:
    """The file to write, and the study's name: if none is given, that of its file or folder."""
    place = place or Path(f"{name or USUAL}.yaml")
    is_file = place.suffix in ENDINGS
    path = place if is_file else place / FILE
    if is_file and place.is_dir():
        raise UserError(f"{place} is a folder; give a file to write.")
    named = place.stem if is_file else place.resolve().name
    return path, name or re.sub(r"[^A-Za-z0-9_.-]+", "-", named).strip("_.-")[:40] or "mine"


def _is_asked() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answer(question: str, usual: str) -> str:
    """What a user answers on a terminal; `usual` for an empty answer, or where nobody is asked."""
    if not _is_asked():
        return usual
    try:
        return input(f"{question} [{usual}]: ").strip() or usual
    except EOFError:
        raise UserError("expected an answer, found the end of the input.") from None


def _words(answer: str) -> list[str]:
    """The names in an answer, each with a blank in it in quotes, as a shell reads them."""
    try:
        return shlex.split(answer)
    except ValueError:
        raise UserError(
            f"expected tasks or files, found a quote without its end in {shown(answer)}; put a "
            "name with a quote or a blank into quotes, or give it with --train."
        ) from None


def _head(path: Path, name: str, model: str, train: list[str]) -> list[str]:
    """What stands at the beginning of the file."""
    lines = []
    # Elsewhere a path to the schema would be one of this machine.
    if PROJECT == CLONE and path.resolve().is_relative_to(CLONE):
        schema = os.path.relpath(SCHEMAS / "config.schema.json", path.absolute().parent)
        lines.append(f"yaml-language-server: $schema={schema}")
    file = shlex.quote(str(path))
    return [
        *lines,
        f"The study {name}: {model}, taught {', then '.join(train)}.",
        f"`lethe check {file}` says whether it is right, `lethe run {file}` makes it.",
    ]
