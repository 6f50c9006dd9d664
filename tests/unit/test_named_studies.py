"""A study is named by its file, its folder or its name, wherever one is asked for."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from lethe.artefacts.files import write_json
from lethe.artefacts.manifests import publish
from lethe.artefacts.paths import results_of, spec_file
from lethe.artefacts.study_files import COLLECTED
from lethe.cli import main
from lethe.commands.named_studies import require_named, study_file, study_folder
from lethe.config.reading import DEFAULT, read_catalogue, read_study
from lethe.errors import UserError
from lethe.planning.plan import make_plan

COLLECT = {"id": "collect", "rule": "collect"}
MINE = "study: mine\nmodels: [xs]\norders: [forward]\nalso: []\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text(MINE)
    return tmp_path


def test_a_name_stands_for_the_one_file_here_that_has_it(folder, capsys):
    for verb in ("check", "status", "plan"):
        said = []
        for name in ("mine", "my.yaml"):
            assert main([verb, name]) == 0
            said.append(capsys.readouterr().out)
        assert said[0] == said[1] and said[0]


def test_a_name_that_several_files_have_is_refused_with_all(folder):
    (folder / "config").mkdir()
    (folder / "config" / "again.yaml").write_text(MINE)
    with pytest.raises(UserError, match="give one of my.yaml, config/again.yaml"):
        study_file("mine")


def test_a_name_of_results_without_a_file_says_where_they_are(folder):
    (folder / "results" / "studies" / "old").mkdir(parents=True)
    with pytest.raises(UserError, match="results are in results/studies/old, but no file here"):
        study_file("old")
    assert study_folder("old").parts == ("results", "studies", "old")


def test_a_name_that_nothing_has_is_answered_with_the_nearest(folder):
    with pytest.raises(UserError, match="'minee' is no file.*did you mean 'mine'"):
        study_file("minee")


def test_a_folder_that_init_wrote_stands_for_the_file_in_it(folder, capsys):
    assert main(["init", "first", "--model", "xs"]) == 0
    assert main(["check", "first"]) == 0
    assert "study 'first' is right" in capsys.readouterr().out
    assert main(["report", "first"]) == 2
    assert "study 'first' has no results yet" in capsys.readouterr().err


def test_what_lies_here_goes_before_a_name(folder):
    (folder / "mine").write_text(MINE)
    assert str(study_file("mine")) == "mine"
    (folder / "kept").mkdir()
    assert str(study_folder("kept")) == "kept"


def test_a_folder_that_holds_no_study_gives_way_to_the_study_of_its_name(folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("of the data\n")
    assert str(study_file("mine")) == "my.yaml"
    with pytest.raises(UserError, match="study 'mine' has no results yet"):
        study_folder("mine")
    (folder / "mine" / "scores.csv").write_text("")
    assert str(study_folder("mine")) == "mine"


def test_the_results_of_a_study_are_found_by_its_file_and_its_name(folder, capsys):
    for name in ("mine", "my.yaml"):
        assert main(["report", name]) == 2
        assert "study 'mine' has no results yet" in capsys.readouterr().err
    made = folder / "results" / "studies" / "mine"
    made.mkdir(parents=True)
    for name in ("mine", "my.yaml"):
        assert study_folder(name).resolve() == made


def test_the_default_study_is_not_run_by_mistake_where_others_lie(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("models: [xs]\nstudy: mine\n")
    (tmp_path / "variant.yml").write_text("study: 'variant'\n")
    assert main(["run"]) == 2
    said = capsys.readouterr().err
    assert "as mine.yaml, variant.yml here, found none" in said and said.count("\n") == 1
    assert f"`lethe run {DEFAULT}`" in said
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["mine.yaml", "variant.yml"]


def test_other_files_of_yaml_are_no_studies(tmp_path):
    (tmp_path / "mkdocs.yml").write_text("site_name: a\nnested:\n  study: a\n")
    assert require_named(tmp_path) is None


def test_results_of_a_file_that_has_other_chains_now_are_told_by_their_words(folder, capsys):
    made = folder / "results" / "studies" / "mine"
    study = read_study(["my.yaml"])
    runs = make_plan(study, read_catalogue(study)).runs
    write_json(spec_file("results", "record"), {"runs": [asdict(run) for run in runs]})
    publish(made, COLLECTED, {**COLLECT, "inputs": {"record": "record"}}, [])
    study_folder("my.yaml")
    assert capsys.readouterr().err == ""
    (folder / "my.yaml").write_text(f"{MINE}methods: [sequential, ewc]\n")
    study_folder("my.yaml")
    told = capsys.readouterr().err
    chains = len(runs)
    assert f"lack {chains} of the {2 * chains} chains that study 'mine' now has" in told
    assert "xs/ewc/forward@0" in told and "xs/sequential" not in told
    (made / "report.html").write_text('<meta name="description" content="Little was lost.">')
    assert main(["where", "my.yaml"]) == 0
    said = capsys.readouterr().out
    assert "xs/ewc/forward@0" in said and "Of the earlier results: Little was lost." in said
    assert main(["status", "my.yaml"]) == 0
    said = capsys.readouterr().out
    assert "xs/ewc/forward@0" in said and "are of the earlier results" in said


@pytest.mark.parametrize("name", [".", "../mine", "mine", "results/studies/mine"])
def test_a_study_folder_is_read_from_wherever_it_is_named(folder, monkeypatch, name):
    made = folder / "results" / "studies" / "mine"
    made.mkdir(parents=True)
    monkeypatch.chdir({"mine": made.parent, "results/studies/mine": folder}.get(name, made))
    assert results_of(Path(name)) == folder / "results"


def published(folder):
    """The folder of a run's results with a long table and a table of items."""
    made = folder / "results" / "studies" / "mine"
    (made / "items").mkdir(parents=True)
    for name in ("scores.csv", "items/a.parquet"):
        (made / name).write_text("as it was written")
    publish(made, COLLECTED, {**COLLECT, "inputs": {}}, ["scores.csv", "items/a.parquet"])
    return made


@pytest.mark.parametrize("verb", [["keep", "--items"], ["report"], ["items"]])
def test_tables_of_items_that_a_run_made_and_are_missing_are_named(folder, capsys, verb):
    shutil.rmtree(published(folder) / "items")
    assert main([verb[0], "my.yaml", *verb[1:]]) == 2
    said = capsys.readouterr().err
    assert "items/a.parquet: this file was removed" in said and "run again to make it" in said


@pytest.mark.parametrize("verb", ["status", "where"])
def test_an_altered_table_is_told_in_place_of_its_warnings(folder, capsys, verb):
    (published(folder) / "scores.csv").write_text("cut")
    assert main([verb, "my.yaml", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["warnings"]
    assert "scores.csv: expected 17 bytes, found 3, so it was truncated or altered" in told


def test_a_copy_of_a_study_folder_alone_is_refused_with_what_can_be_copied(folder, capsys):
    publish(folder / "copy", COLLECTED, {**COLLECT, "inputs": {"record": "study-1"}}, [])
    for verb in ("report", "keep", "render"):
        assert main([verb, "copy"]) == 2
        assert "copy what `lethe keep` writes" in capsys.readouterr().err
