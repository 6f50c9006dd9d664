"""The scripts of `lethe completion`, as the shells run them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lethe.artefacts.strict_yaml import read_yaml
from lethe.cli import main
from lethe.commands.verbs import CALLED, LISTED
from lethe.config.reading import CATALOGUE

ROOT = Path(__file__).parents[2]
ASKED = """
source "$1"; shift
complete -p lethe > /dev/null || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shtab_lethe
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The script of each shell, in a file."""
    from contextlib import redirect_stdout

    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh"):
        with open(folder / shell, "w") as file, redirect_stdout(file):
            assert main(["completion", shell]) == 0
    return folder


def completed(scripts: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    told = subprocess.run(
        ["bash", "--norc", "-c", ASKED, "bash", str(scripts / "bash"), "lethe", *words],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(told.stdout.split())


def test_bash_offers_the_verbs_that_help_lists(scripts):
    assert completed(scripts, "") == LISTED.keys()
    assert completed(scripts, "che") == {"check"}
    assert not completed(scripts, "probe") & CALLED.keys()


def test_bash_offers_options_their_choices_and_files(scripts):
    assert completed(scripts, "evaluate", "--dt") == {"--dtype"}
    assert completed(scripts, "evaluate", "--dtype", "b") == {"bfloat16"}
    assert completed(scripts, "compare", "a", "b", "--fail-on", "") == {"lost", "undecided"}
    assert completed(scripts, "check", "config/test-na") >= {"config/test-nano.yaml"}
    assert completed(scripts, "completion", "") == {"bash", "zsh"}


@pytest.mark.parametrize("verb", ["methods", "models"])
def test_bash_offers_the_names_of_the_catalogue(scripts, verb):
    names = set(read_yaml(CATALOGUE / f"{verb}.yaml"))
    assert completed(scripts, verb, "") == names
    assert completed(scripts, verb, min(names), min(names)) >= {min(names)}


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_reads_its_script_and_binds_it(scripts):
    program = f'autoload -U compinit; compinit -u -D; eval "$(cat {scripts}/zsh)"; '
    program += 'print "$_comps[lethe]"'
    told = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "_shtab_lethe" and told.stderr == ""


def test_the_script_of_zsh_says_what_every_verb_does(scripts):
    script = (scripts / "zsh").read_text()
    assert script.startswith("#compdef lethe")
    assert all(f"    {verb}:'" in script for verb in LISTED)
