"""Arguments that verbs share: those of verbs that make a node, or that read a study."""

import argparse
import os
from functools import partial
from pathlib import Path

from lethe.artefacts import nodes
from lethe.artefacts.strict_yaml import parse_yaml, read_yaml
from lethe.config.catalogue import Catalogue, Study
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue
from lethe.errors import UserError, shown
from lethe.planning.code import node_code


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", help="id of the node, as in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    add_code_argument(parser)


def add_code_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", help="fingerprint of the code, to record; default: computed")


def add_snapshot_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--snapshot-seconds",
        type=float,
        default=float(os.environ.get("LETHE_SNAPSHOT_SECONDS", "60")),
        help="seconds between snapshots of the training state (%(default)s)",
    )


def read_spec(arguments: argparse.Namespace, kind: str) -> dict:
    """The spec of the node that the arguments name; computes the code's fingerprint if not given.

    Raises:
        UserError: the node does not exist, is of another kind, or its spec was altered.
    """
    spec = nodes.read_spec(arguments.results, arguments.node)
    if spec.get("kind") != kind:
        raise UserError(f"{arguments.node} is a node of kind {spec.get('kind')!r}, not {kind!r}.")
    if arguments.code is None:
        arguments.code = node_code(spec, partial(nodes.read_spec, arguments.results))
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
