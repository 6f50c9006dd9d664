"""`lethe verify` finds every kind of damage, and the next run heals what can be made again."""

import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def first(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[0]


def last(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[-1]


def flip(path: Path) -> Path:
    """One bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def other_digit(path: Path) -> Path:
    """The last decimal number of a text gets another first decimal."""
    text = path.read_text()
    found = list(re.finditer(r"0\.(\d)", text))[-1]
    path.write_text(text[: found.start(1)] + str((int(found[1]) + 1) % 10) + text[found.end(1) :])
    return path


def cut(path: Path) -> Path:
    """The second half is lost, at the end of a line."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    return path


def swap(first_folder: Path, second_folder: Path) -> Path:
    third = first_folder.with_name("third")
    first_folder.rename(third)
    second_folder.rename(first_folder)
    third.rename(second_folder)
    return first_folder


def bad_byte(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-1] + b"\xff\n")
    return path


def copied(source: Path, target: Path) -> Path:
    (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
    return target


def removed(path: Path) -> Path:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return path


def emptied(path: Path) -> Path:
    path.write_text("")
    return path


DAMAGES = {
    "a spec with another number": lambda r: other_digit(first(r, "specs/nano-*-s1-*.json")),
    "a manifest with a flipped bit": lambda r: flip(first(r, "bases/*/base.json")),
    "a manifest that was cut": lambda r: cut(first(r, "data/*/data.json")),
    "weights with a flipped bit": lambda r: flip(first(r, "stages/*s1*/model.safetensors")),
    "data that are missing": lambda r: removed(first(r, "data/*/eval/data/know_nature/*")),
    "scores with another digit": lambda r: other_digit(first(r, "scores/nano*/results.json")),
    "folders that were swapped": lambda r: swap(
        first(r, "scores/nano*s1*"), first(r, "scores/nano*s2*")
    ),
    "a kept score that was altered": lambda r: other_digit(first(r, "scores/store/*/*.json")),
    "a long table with another digit": lambda r: other_digit(r / "studies/nano/scores.csv"),
    "a long table that was cut": lambda r: cut(r / "studies/nano/stages.csv"),
    "metrics with another digit": lambda r: other_digit(r / "studies/nano/metrics.csv"),
    "a table of no manifest": lambda r: copied(
        r / "studies/nano/tables/fg.csv", r / "studies/nano/tables/mine.csv"
    ),
    "a figure with a flipped bit": lambda r: flip(r / "studies/nano/figures/fg.png"),
    "a file that no manifest lists": lambda r: copied(
        first(r, "stages/*s2*/config.json"), first(r, "stages/*s2*") / "old_config.json"
    ),
    "a folder of no spec": lambda r: copied(
        first(r, "stages/*s1*"), r / "stages" / "other-0123456789ab"
    ),
    "a record with another number": lambda r: flip(first(r, "specs/study-nano-claims-*.json")),
    "an index with a bad byte": lambda r: bad_byte(r / "index.csv"),
}


LEFT_TO_THE_USER = {
    "a node's folder that is missing": lambda r: removed(first(r, "scores/nano*base*")),
    "the last node's folder that is missing": lambda r: removed(last(r, "scores/nano*s2*")),
    "a file in the place of a folder": lambda r: emptied(removed(first(r, "stages/*s1*"))),
    "a second copy of a manifest with a flipped bit": lambda r: flip(first(r, "stages/*/.stage*")),
    "an index without a line": lambda r: emptied(r / "index.csv"),
}
"""Kinds that are named too, but are not always healed by a run, or hide others."""


def test_a_finished_study_is_as_it_was_written(finished):
    for words in ((), ("nano",)):
        told = finished.lethe("verify", *words)
        assert told.returncode == 0 and "everything is as it was written" in told.stdout


@pytest.mark.parametrize("name", DAMAGES | LEFT_TO_THE_USER)
def test_a_damage_is_named_with_its_remedy(project, name):
    path = (DAMAGES | LEFT_TO_THE_USER)[name](project.folder / "results")
    told = project.lethe("verify")
    assert told.returncode == 1
    assert str(path.relative_to(project.folder)) in told.stdout
    findings = told.stdout.splitlines()[:-1]
    assert findings and all(line.endswith(".") and ": " in line for line in findings)
    assert told.stderr == ""


def test_an_altered_manifest_of_a_table_does_not_accuse_the_files_that_it_lists(project):
    path = flip(project.folder / "results/studies/nano/tables/fg.json")
    (finding, _) = project.lethe("verify").stdout.splitlines()
    assert finding.startswith(str(path.relative_to(project.folder)))


def test_a_table_that_was_made_from_other_numbers_is_named(project):
    study = project.folder / "results/studies/nano"
    words = ["--scores", study / "scores.csv", "--items", study / "items"]
    seeded = project.lethe("summarize", *words, "--seed", "1", "--out", study / "metrics.csv")
    assert seeded.returncode == 0
    told = project.lethe("verify", "nano").stdout
    assert "tables/fg.json was made from another metrics.csv" in told


def test_all_damages_at_once_are_all_named_and_a_run_heals_what_is_not_left_to_the_user(project):
    results = project.folder / "results"
    before = (results / "studies/nano/scores.csv").read_bytes()
    paths = [damage(results) for damage in DAMAGES.values()]
    told = project.lethe("verify").stdout
    unnamed = [path for path in paths if str(path.relative_to(project.folder)) not in told]
    assert not unnamed, told
    assert len(told.splitlines()) - 1 >= len(DAMAGES)
    planned = project.lethe("plan", "--configfile", "config/test-nano.yaml").stdout
    assert "it is made again" in planned
    assert re.search(r"probe +3 nodes, 0 done", planned)
    run = project.snakemake()
    assert "it is made again" in run.stderr and "was altered; it is written again" in run.stderr
    assert (results / "studies/nano/scores.csv").read_bytes() == before
    left = project.lethe("verify").stdout.splitlines()[:-1]
    assert len(left) == 3, left
    assert "other-0123456789ab" in " ".join(left)
    assert "old_config.json" in " ".join(left) and "mine.csv" in " ".join(left)
