"""Arguments that verbs share: those of verbs that make a node, or that read a study."""

import argparse
import os
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import spec_file
from lethe.artefacts.strict_yaml import parse_yaml, read_yaml
from lethe.config.catalogue import Catalogue, Study
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue
from lethe.errors import UserError, shown


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", help="id of the node, as in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--code", default="by-hand", help="fingerprint of the code, to record")


def add_snapshot_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--snapshot-seconds",
        type=float,
        default=float(os.environ.get("LETHE_SNAPSHOT_SECONDS", "60")),
        help="seconds between snapshots of the training state (%(default)s)",
    )


def read_spec(arguments: argparse.Namespace, kind: str) -> dict:
    """The spec of the node that the arguments name.

    Raises:
        UserError: the node does not exist, or is of another kind.
    """
    path = spec_file(arguments.results, arguments.node)
    if not path.exists():
        raise UserError(
            f"{path} does not exist; `lethe plan --write` writes the specs of a study's nodes."
        )
    spec = read_json(path)
    if spec.get("kind") != kind:
        raise UserError(f"{path} describes a node of kind {spec.get('kind')!r}, not {kind!r}.")
    return spec


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configfile",
        action="extend",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="configuration laid over config/config.yaml; may be repeated",
    )
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
    for overlay in arguments.configfile:
        raw = merge(raw, read_yaml(overlay))
    for setting in arguments.config:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UserError(f"--config: expected KEY=VALUE, found {shown(setting)}.")
        value = parse_yaml(text, f"--config {key}")
        for part in reversed(key.split(".")):
            value = {part: value}
        raw = merge(raw, value)
    study = parse_study(raw)
    return study, read_catalogue(study)
