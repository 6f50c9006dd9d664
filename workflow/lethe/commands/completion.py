"""Print a script that completes verbs, options, their values and files, in bash or zsh.

For this session: eval "$(lethe completion bash)". For all: put that line into ~/.bashrc, or the
script into a folder of completions, as ~/.local/share/bash-completion/completions/lethe; for zsh
into a file _lethe in a folder of $fpath.
"""

import argparse
from typing import Any

from lethe.commands.verbs import LISTED, module_of

SHELLS = ("bash", "zsh")
NUMBERS = (int, float)
CATALOGUES = {"methods": "methods", "models": "models"}
"""Verbs whose words are names of a catalogue."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The argument of `lethe completion`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads the script")


def run(arguments: argparse.Namespace) -> None:
    """Print the script."""
    import shtab

    print(shtab.complete(whole_parser(shtab.FILE), shell=arguments.shell))


def whole_parser(file: dict[str, str]) -> argparse.ArgumentParser:
    """One parser with every verb that help lists.

    Args:
        file: marks an argument that may be a file, as `shtab` has it.
    """
    parser = argparse.ArgumentParser(prog="lethe", allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="say which version this is")
    verbs = parser.add_subparsers()
    for verb, what in LISTED.items():
        of_verb = verbs.add_parser(verb, help=what, description=what, allow_abbrev=False)
        module_of(verb).add_arguments(of_verb)
        for action in of_verb._actions:
            _complete(action, verb, file)
    return parser


def _complete(action: Any, verb: str, file: dict[str, str]) -> None:
    """Say what an argument may be: names of a catalogue, a choice, a number, or else a file."""
    if verb in CATALOGUES and not action.option_strings:
        action.choices = _names(CATALOGUES[verb])
    if action.nargs != 0 and not action.choices and action.type not in NUMBERS:
        action.complete = file


def _names(catalogue: str) -> list[str]:
    from lethe.artefacts.strict_yaml import read_yaml
    from lethe.config.reading import CATALOGUE

    return list(read_yaml(CATALOGUE / f"{catalogue}.yaml"))
