"""Make a study: check it, run all its jobs, and say where its figures and tables are.

It needs no clone: rules and configuration are in the package. Results lie in the folder that it is
called in, and so do files that the study names by relative paths.
"""

import argparse
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.paths import PROFILES, SNAKEFILE
from lethe.artefacts.strict_json import digest
from lethe.commands import check, where
from lethe.commands.arguments import add_study_arguments, settings
from lethe.commands.named_studies import require_named
from lethe.display.handler import COMMAND
from lethe.errors import UserError

SETTINGS = Path(".snakemake", "lethe")
"""Beside what else Snakemake keeps of its runs in a folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe run`."""
    add_study_arguments(parser)
    parser.add_argument(
        "--cores", type=int, default=len(os.sched_getaffinity(0)), help="default: all (%(default)s)"
    )
    parser.add_argument(
        "--profile",
        default="default",
        help="where jobs run: default, slurm, or a folder with a profile of your own",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "--snakemake",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="ARGUMENT",
        help="all that follows is passed on to Snakemake",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run Snakemake on the study; its exit status.

    Raises:
        UserError: the study is wrong, none is named where files of some lie, there is no such
            profile, or Snakemake is not installed.
    """
    arguments.json = False
    # Snakemake's own option may name one too.
    passed_on = any(word.startswith("--configfile") for word in arguments.snakemake)
    if not (arguments.study or arguments.configfile or passed_on):
        require_named(Path("."))
    check.run(arguments)
    sys.stdout.flush()
    if importlib.util.find_spec("snakemake") is None:
        raise UserError("expected the package snakemake, found none: pip install snakemake.")
    if arguments.cores < 1:
        raise UserError(f"--cores: expected at least 1, found {arguments.cores}.")
    typed = {COMMAND: shlex.join(["lethe", *sys.argv[1:]])}
    status = _finished(subprocess.Popen(command(arguments), env=os.environ | typed))
    if status == 0 and not arguments.dry_run:
        # What is passed on to Snakemake may name a target that makes nothing of the study's own.
        with suppress(UserError):
            where.run(arguments)
    return status


def _finished(process: subprocess.Popen) -> int:
    """The exit status of a process, which is given the time to end.

    Ctrl-C reaches it too. SIGTERM is passed on: Snakemake then begins no more jobs.
    """
    usual = signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    try:
        while True:
            with suppress(KeyboardInterrupt):
                return process.wait()
    finally:
        signal.signal(signal.SIGTERM, usual)


def command(arguments: argparse.Namespace) -> list[str]:
    """The command line of Snakemake for the parsed arguments."""
    files = [str(path) for path in [*arguments.study, *arguments.configfile]]
    if arguments.config:
        files.append(str(settings_file(settings(arguments.config))))
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)),
        *("--workflow-profile", str(profile(arguments.profile))),
        *("--cores", str(arguments.cores)),
        *(["--configfile", *files] if files else []),
        *(["--dry-run"] if arguments.dry_run else []),
        *arguments.snakemake,
    ]


def settings_file(values: dict[str, Any]) -> Path:
    """A file with the values of --config: Snakemake reads numbers in lists as text there."""
    path = SETTINGS / f"config-{digest(values)[:12]}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, values)
    return path


def is_settings(file: Path) -> bool:
    """Whether a file is one that `settings_file` made here."""
    return file.resolve().parent == SETTINGS.resolve()


def as_typed(file: Path, without: Collection[str] = ()) -> list[str]:
    """The words on the command line that such a file stands for, without some keys."""
    values = {key: value for key, value in read_json(file).items() if key not in without}
    words = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    return ["--config", *words] if words else []


def profile(name: str) -> Path:
    """The folder of a profile: one that comes with the package, or the user's own.

    Raises:
        UserError: there is none.
    """
    for folder in (PROFILES / name, Path(name)):
        if any((folder / f"config{ending}").is_file() for ending in (".yaml", ".v8+.yaml")):
            return folder
    known = ", ".join(sorted(path.name for path in PROFILES.iterdir()))
    raise UserError(f"--profile: expected {known} or a folder with config.yaml, found {name!r}.")
