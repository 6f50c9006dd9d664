"""No option of a verb silently replaces its own earlier value."""

import argparse
import json
from pathlib import Path

import pytest

from lethe.cli import _Parser, main
from lethe.commands.report import PLACE
from lethe.commands.run import as_typed, command, settings_file
from lethe.commands.verbs import VERBS, module_of


def test_an_option_with_two_values_is_refused_with_both(capsys):
    assert main(["init", "my.yaml", "--model", "xs", "--model", "s"]) == 2
    assert "--model: expected one value, found 'xs' and 's'" in capsys.readouterr().err


def test_an_option_may_be_given_twice_with_one_value(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["init", "my.yaml", "--model", "xs", "--model", "xs"]) == 0


@pytest.mark.parametrize("verb", VERBS)
def test_an_option_that_takes_several_values_adds_them_up(verb):
    parser = _Parser(prog=verb)
    module_of(verb).add_arguments(parser)
    for action in parser._actions:
        if action.option_strings and action.nargs in ("+", "*"):
            assert isinstance(action, argparse._ExtendAction), action.option_strings


def test_run_passes_single_values_to_snakemake_as_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = _Parser(prog="run")
    module_of("run").add_arguments(parser)
    given = parser.parse_args(["my.yaml", "--config", "seeds.train=[1, 2]", "--config", "limit=5"])
    line = command(given)
    files = line[line.index("--configfile") + 1 :][:2]
    assert files[0] == "my.yaml"
    assert json.loads((tmp_path / files[1]).read_text()) == {"seeds": {"train": [1, 2]}, "limit": 5}
    # What its report says was typed makes the same study.
    typed = parser.parse_args(["my.yaml", *as_typed(Path(files[1]))])
    assert command(typed) == line


def test_what_only_places_the_results_is_no_part_of_the_command_that_makes_a_study(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    both = settings_file({"output": "/tmp/elsewhere", "limit": 5})
    assert as_typed(both, PLACE) == ["--config", "limit=5"]
    assert as_typed(settings_file({"output": "/tmp/elsewhere"}), PLACE) == []
