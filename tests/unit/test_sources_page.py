"""The page of sources: a row for every entry of the catalogue, and the equations it vouches for."""

import re

import pytest
import yaml

from lethe.artefacts.paths import PACKAGE, PROJECT

PAGE = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
CATALOGUE = PROJECT / "config" / "catalogue"
WORDS = set(re.findall(r"^- `([\w ]+)`:", PAGE, re.MULTILINE))


def entries(kind: str) -> dict[str, dict]:
    return yaml.safe_load((CATALOGUE / f"{kind}.yaml").read_text(encoding="utf-8"))


def rows(kind: str) -> list[list[str]]:
    """The cells of every row of a section's table, its head left out."""
    section = PAGE.partition(f"\n## {kind.capitalize()}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def equations(text: str) -> set[int]:
    """The numbers that a text cites, as in "Eq. 3", "Eq. 7 and 8" and "Eq. 1-5"."""
    found = set()
    for first, joint, last in re.findall(r"Eq\. (\d+)(?:(-| and )(\d+))?", text):
        numbers = {int(first), int(last or first)}
        found |= set(range(min(numbers), max(numbers) + 1)) if joint == "-" else numbers
    return found


@pytest.mark.parametrize("kind", ["methods", "parametrisations"])
def test_every_entry_of_the_catalogue_has_one_row(kind):
    shown = [name for row in rows(kind) for name in names(row[0])]
    assert sorted(shown) == sorted(entries(kind))


@pytest.mark.parametrize("kind", ["methods", "parametrisations"])
def test_every_row_says_what_it_was_checked_against_in_the_words_of_the_page(kind):
    assert WORDS == {"text", "release", "PEFT", "account", "not checked", "ours"}
    for row in rows(kind):
        assert len(row) == 4, row[0]
        assert set(names(row[3])) & WORDS, row[0]


def test_a_method_cites_no_equation_that_its_row_does_not_name():
    catalogue = entries("methods")
    for row in rows("methods"):
        for name in names(row[0]):
            method = catalogue[name]["method"]
            files = [PACKAGE / "methods" / f"{method}.py"]
            files.append(PACKAGE / "methods" / "parameters" / f"{method}.py")
            cited = "".join(file.read_text(encoding="utf-8") for file in files)
            cited += catalogue[name].get("note", "")
            assert equations(cited) <= equations(row[1]), name
