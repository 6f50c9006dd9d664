"""The list of verbs: in groups, without those that the workflow calls, which keep working."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lethe
from lethe.cli import main
from lethe.commands.verbs import ALONE, CALLED, GROUPS, VERBS, module_of

ROOT = Path(__file__).parents[2]


def test_help_lists_every_verb_of_a_group_once_and_none_that_the_workflow_calls(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    listed = re.findall(r"^  (\w+)  ", said, re.MULTILINE)
    assert listed == [*(verb for verbs in GROUPS.values() for verb in verbs), *ALONE]
    assert not CALLED.keys() & set(listed) and len(GROUPS) == 3
    assert main([]) == 0 and capsys.readouterr().out == said


@pytest.mark.parametrize(("set_before", "then"), [(None, "AUTO"), ("AVX2", "AVX2")])
def test_a_command_repeats_its_sums_unless_the_user_set_otherwise(monkeypatch, set_before, then):
    if set_before is None:
        monkeypatch.delenv("MKL_CBWR", raising=False)
    else:
        monkeypatch.setenv("MKL_CBWR", set_before)
    assert main(["--version"]) == 0
    assert os.environ["MKL_CBWR"] == then


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_with_what_it_does(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and f"usage: lethe {verb}" in said
    assert " ".join(module_of(verb).__doc__.split())[:40] in " ".join(said.split())


def test_every_module_of_the_commands_that_runs_is_a_verb():
    folder = Path(lethe.__file__).parent / "commands"
    runs = {path.stem for path in folder.glob("*.py") if "\ndef run(" in path.read_text()}
    assert runs == VERBS.keys()


def test_the_version_is_the_packages_and_names_the_commit_of_a_checkout(capsys):
    assert main(["--version"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"lethe {lethe.__version__}")
    if (ROOT / ".git").exists():
        assert re.search(r"\(commit [0-9a-f]{40}(-dirty)?\)", said)


@pytest.mark.parametrize(
    ("typed", "meant"), [("chek", "check"), ("figur", "figure"), ("int", "init")]
)
def test_a_verb_that_does_not_exist_gets_the_nearest(typed, meant, capsys):
    assert main([typed]) == 2
    assert f"did you mean {meant!r}?" in capsys.readouterr().err


def on_terminal(*arguments: str, **environment: str) -> str:
    """What `lethe` writes to a terminal."""
    main_end, its_end = pty.openpty()
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "TERM": "xterm"}
    variables = {name: value for name, value in variables.items() if name != "NO_COLOR"}
    subprocess.run(
        [sys.executable, "-m", "lethe", *arguments],
        stdout=its_end, stderr=its_end, env=variables | environment, cwd=ROOT, check=False,
    )  # fmt: skip
    os.close(its_end)
    said = b""
    try:
        while part := os.read(main_end, 65536):
            said += part
    except OSError:
        pass  # a terminal whose other end is closed
    os.close(main_end)
    return said.decode()


def test_a_terminal_has_colours_unless_no_color_is_set():
    assert "\x1b[" in on_terminal("--help") and "\x1b[" in on_terminal("chek")
    plain = on_terminal("--help", NO_COLOR="1"), on_terminal("chek", NO_COLOR="1")
    assert all(text and "\x1b" not in text for text in plain)


def test_pipes_have_nothing_but_text():
    for arguments in (["--help"], ["chek"], ["status", "config/test-nano.yaml"]):
        done = subprocess.run(
            [sys.executable, "-m", "lethe", *arguments], capture_output=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "TERM": "xterm"}, check=False,
        )  # fmt: skip
        assert done.stdout + done.stderr and b"\x1b" not in done.stdout + done.stderr
