"""The arguments that every verb that reads a study shares."""

import argparse
from pathlib import Path

from lethe.config import Catalogue, Study
from lethe.errors import UserError
from lethe.settings import DEFAULT, merge, parse_study, read_catalogue, read_yaml


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configfile",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="configuration laid over config/config.yaml; may be given again",
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one value, KEY with dots for nested keys, VALUE as YAML; may be given again",
    )


def read(arguments: argparse.Namespace) -> tuple[Study, Catalogue]:
    """The study and the catalogue that the arguments describe.

    Raises:
        UserError: anything wrong with them.
    """
    import yaml

    raw = read_yaml(DEFAULT)
    for overlay in arguments.configfile:
        raw = merge(raw, read_yaml(overlay))
    for setting in arguments.config:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UserError(f"--config: expected KEY=VALUE, found {setting!r}.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UserError(f"--config {key}: {text!r} is not valid YAML.") from None
        for part in reversed(key.split(".")):
            value = {part: value}
        raw = merge(raw, value)
    study = parse_study(raw)
    return study, read_catalogue(study)
