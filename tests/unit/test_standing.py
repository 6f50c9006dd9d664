"""What counts as done: by content, however results were copied, moved or touched."""

import os
import shutil
from pathlib import Path

import pytest

from lethe.artefacts.files import write_atomic
from lethe.artefacts.manifests import publish, read_manifest
from lethe.artefacts.nodes import ANY_CODE
from lethe.artefacts.study_files import contents, publish_study_files
from lethe.planning.standing import Job, Standing, standing


def made(folder: Path) -> Path:
    write_atomic(folder / "results.json", "[0.25]\n")
    publish(folder, "probe.json", {"spec": {}, "code": "c", "inputs": {}}, ["results.json"])
    return folder


def look(folder: Path) -> Standing:
    return standing([Job("probe", folder.name, folder / "probe.json", "c", [], spec={})])


def copied(folder: Path) -> Path:
    """A copy whose manifest is younger than its files, as copying tools may leave it."""
    other = folder.parent / "elsewhere" / folder.name
    other.mkdir(parents=True)
    for name in ("results.json", "probe.json"):
        shutil.copyfile(folder / name, other / name)
    return other


def touched(folder: Path) -> Path:
    os.utime(folder / "probe.json")
    return folder


def moved(folder: Path) -> Path:
    return folder.rename(folder.with_name("tmp")).rename(folder)


@pytest.mark.parametrize("then", [copied, touched, moved])
def test_a_digit_altered_before_results_are_copied_touched_or_moved_is_found(tmp_path, then):
    folder = made(tmp_path / "node")
    (folder / "results.json").write_text("[0.35]\n")
    found = look(then(folder))
    assert [job.name for job in found.again] == ["node"]
    assert "results.json: was altered" in next(iter(found.reasons.values()))


@pytest.mark.parametrize("then", [copied, touched, moved])
def test_what_is_whole_stays_done_when_it_is_copied_touched_or_moved(tmp_path, then):
    found = look(then(made(tmp_path / "node")))
    assert (found.again, found.reasons) == ([], {})


def test_what_has_not_changed_since_it_was_made_is_not_read(tmp_path, monkeypatch):
    folder = made(tmp_path / "node")
    monkeypatch.setattr("lethe.planning.standing.file_digest", None)
    found = look(folder)
    assert (found.again, found.reasons) == ([], {})


@pytest.mark.parametrize("place", ["tables/learning", "figures/fg"])
def test_the_manifest_of_one_table_does_not_pass_for_another_table_or_figure(tmp_path, place):
    write_atomic(tmp_path / "tables" / "fg.csv", "0.25\n")
    publish_study_files("table", "fg", [tmp_path / "tables" / "fg.csv"], {}, ANY_CODE)
    folder, name = place.split("/")
    (tmp_path / folder).mkdir(exist_ok=True)
    for file, copy in (("fg.json", f"{name}.json"), ("fg.csv", "fg.csv")):
        if not (tmp_path / folder / copy).exists():
            shutil.copyfile(tmp_path / "tables" / file, tmp_path / folder / copy)
    rule = folder.removesuffix("s")
    job = Job(rule, name, tmp_path / f"{place}.json", ANY_CODE, [])
    assert standing([job]).again == [job]


def test_a_table_may_have_the_name_of_a_long_table_that_others_read(tmp_path):
    write_atomic(tmp_path / "scores.csv", "long\n")
    publish_study_files("collect", "collect", [tmp_path / "scores.csv"], {}, "c")
    read = contents(read_manifest(tmp_path / "collect.json"))
    for name in ("scores", "fg"):
        path = tmp_path / "tables" / f"{name}.csv"
        write_atomic(path, "short\n")
        inputs = {"scores.csv": read["scores.csv"]}
        publish_study_files("table", name, [path], inputs, "c")
    jobs = [Job("collect", "", tmp_path / "collect.json", "c", [])]
    jobs += [
        Job("table", name, tmp_path / "tables" / f"{name}.json", "c", ["scores.csv"])
        for name in ("scores", "fg")
    ]
    found = standing(jobs)
    assert (found.again, found.reasons) == ([], {}) and len(found.done) == 3
