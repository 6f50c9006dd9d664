"""Arguments that verbs share: those of verbs that make a node, or that read a study."""

import argparse
import os
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from lethe.artefacts import nodes
from lethe.artefacts.nodes import ANY_CODE
from lethe.artefacts.strict_yaml import parse_yaml, read_yaml
from lethe.commands.named_studies import study_file
from lethe.config.catalogue import Catalogue, Study
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue
from lethe.errors import UserError, guess, shown
from lethe.planning.code import node_code


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", help="id of the node, as in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    add_code_argument(parser)


def add_code_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--code", help=f"fingerprint that the code must have; {ANY_CODE!r} records none"
    )


def require_listed(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Refuse a name that a verb, `lethe KINDs`, does not list.

    Raises:
        UserError: names the first, and what it may have meant.
    """
    for name in names:
        if name not in known:
            hint = guess(name, known)
            raise UserError(f"There is no {kind} {shown(name)}{hint} (`lethe {kind}s` lists them).")


def code_to_record(wanted: str | None, code: Callable[[], str]) -> str:
    """The fingerprint of this code; `ANY_CODE` where the study keeps what any code made.

    A job computes it again, since the code may be another than when the run began: its results
    would otherwise pass for those of the code that the run began with.

    Raises:
        UserError: it is not the one that is wanted.
    """
    if wanted == ANY_CODE:
        return wanted
    found = code()
    if wanted not in (None, found):
        raise UserError(
            "the code, or the version of torch or transformers, is another than when this job was "
            f"planned (--code expects {wanted[:12]}, found {found[:12]}); run the study again."
        )
    return found


def add_snapshot_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--snapshot-seconds",
        type=float,
        default=float(os.environ.get("LETHE_SNAPSHOT_SECONDS", "60")),
        help="seconds between snapshots of the training state (%(default)s)",
    )


def read_spec(arguments: argparse.Namespace, kind: str) -> dict:
    """The spec of the node that the arguments name; sets `arguments.code` to what is recorded.

    Raises:
        UserError: the node does not exist, is of another kind, or its spec was altered; or the
            code is not the one that is wanted.
    """
    spec = nodes.read_spec(arguments.results, arguments.node)
    if spec.get("kind") != kind:
        raise UserError(f"{arguments.node} is a node of kind {spec.get('kind')!r}, not {kind!r}.")
    spec_of = partial(nodes.read_spec, arguments.results)
    arguments.code = code_to_record(arguments.code, lambda: node_code(spec, spec_of))
    return spec


def add_study_files(parser: argparse.ArgumentParser) -> None:
    """The files of a study: as words, or after --configfile."""
    parser.add_argument(
        "study",
        nargs="*",
        default=[],
        type=study_file,
        metavar="STUDY",
        help="files laid over the default configuration, each over those before it, or a study's "
        "name, which stands for the file here that has it; none: the miniature",
    )
    parser.add_argument(
        "--configfile",
        action="extend",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="the same, as Snakemake names them",
    )


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """The files of a study, and single values."""
    add_study_files(parser)
    parser.add_argument(
        "--config",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="one value, KEY with dots for nested keys, VALUE as YAML; may be repeated",
    )


def read(arguments: argparse.Namespace) -> tuple[Study, Catalogue]:
    """The study and the catalogue that the arguments describe.

    Raises:
        UserError: one of them is wrong.
    """
    raw = read_yaml(DEFAULT)
    for overlay in [*arguments.study, *arguments.configfile]:
        raw = merge(raw, read_yaml(overlay))
    raw = merge(raw, settings(arguments.config))
    study = parse_study(raw)
    return study, read_catalogue(study)


def settings(given: list[str]) -> dict[str, Any]:
    """The values of `--config KEY=VALUE`, nested as their keys say.

    Raises:
        UserError: one has another form.
    """
    raw: dict[str, Any] = {}
    for setting in given:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UserError(f"--config: expected KEY=VALUE, found {shown(setting)}.")
        value = parse_yaml(text, f"--config {key}")
        for part in reversed(key.split(".")):
            value = {part: value}
        raw = merge(raw, value)
    return raw
