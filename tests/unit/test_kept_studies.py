"""A kept study is drawn as the study that was run, from its long tables alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from study_folder_case import files_of, small_record, small_study, write_study

from lethe.artefacts.files import write_json
from lethe.artefacts.paths import PACKAGE
from lethe.cli import main
from lethe.errors import UserError
from lethe.longtables.parquet_tables import parquet_table, write_parquet
from lethe.longtables.schema import read_table
from lethe.longtables.study_folder import keep, open_study
from lethe.longtables.study_record import write_study_record


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of two seeds, drawn by the verbs that the workflow calls."""
    folder = tmp_path_factory.mktemp("run") / "small"
    write_study(folder, *small_study(), small_record(), summarized=True)
    assert main(["render", str(folder), "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def kept(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept") / "small"
    keep(open_study(study), folder, with_items=False)
    return folder


def test_all_that_is_drawn_from_a_kept_study_has_the_bytes_of_the_study_that_was_run(
    study, kept, tmp_path
):
    assert main(["render", str(kept), "--out", str(tmp_path / "again")]) == 0
    run, again = files_of(study), files_of(tmp_path / "again")
    assert again.keys() == {name for name in run if not name.startswith("items/")}
    assert [name for name in again if again[name] != run[name]] == []
    made = {name.partition("/")[0] for name in again}
    assert {"scores.csv", "stages.csv", "metrics.csv", "tables", "figures", "claims"} <= made


def test_keeping_and_drawing_end_with_where_it_lies_and_what_is_next(study, tmp_path, capsys):
    place = tmp_path / "in a folder"
    assert main(["keep", str(study), "--to", str(place)]) == 0
    said = capsys.readouterr().out
    assert f"Kept in {place}." in said and f"  lethe render '{place}'" in said
    assert main(["render", str(place), "--out", str(tmp_path / "drawn")]) == 0
    said = capsys.readouterr().out
    assert f"Drawn in {tmp_path / 'drawn'}: tables, figures, claims." in said
    assert f"  lethe report '{place}'" in said


def test_it_is_kept_in_the_same_bytes_and_fewer_of_them(study, kept, tmp_path):
    assert main(["keep", str(study), "--to", str(tmp_path / "second")]) == 0
    assert files_of(tmp_path / "second") == files_of(kept)
    # Of smaller tables, most is the description of their columns.
    size = {path.name: path.stat().st_size for path in (*kept.iterdir(), *study.glob("*.csv"))}
    assert size["scores.parquet"] < size["scores.csv"]


def test_nothing_that_could_load_a_model_is_imported(kept, tmp_path):
    program = (
        "import sys; from lethe.cli import main; "
        f"status = main(['render', {str(kept)!r}, '--out', {str(tmp_path / 'out')!r}]); "
        "sys.exit(status or bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_with_items_the_metrics_can_be_computed_again(study, tmp_path):
    keep(open_study(study), tmp_path / "kept", with_items=True)
    metrics = tmp_path / "kept" / "metrics.parquet"
    frame = read_table("metrics", study / "metrics.csv")
    record = open_study(study).record
    write_parquet("metrics", metrics, frame.assign(value=0.5))
    write_study_record(tmp_path / "kept", record)
    out = tmp_path / "out"
    arguments = ["render", str(tmp_path / "kept"), "--out", str(out), "--only", "fg"]
    assert main([*arguments, "--summarize"]) == 0
    assert (out / "metrics.csv").read_bytes() == (study / "metrics.csv").read_bytes()
    assert (out / "tables" / "fg.csv").is_file() and not (out / "tables" / "learning.csv").exists()


def test_without_items_they_cannot(kept, tmp_path, capsys):
    assert main(["render", str(kept), "--out", str(tmp_path), "--summarize"]) == 2
    assert "expected the items of bias_pairs, found none; keep the study" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["scores", "metrics", "stages"])
def test_a_kept_table_that_was_altered_is_refused(study, kept, tmp_path, name):
    keep(open_study(study), tmp_path, with_items=False)
    frame = read_table(name, study / f"{name}.csv")
    frame.loc[0, "value"] = 0.123
    write_parquet(name, tmp_path / f"{name}.parquet", frame)
    with pytest.raises(UserError, match=f"{name}.parquet: does not hold what study.json"):
        open_study(tmp_path).frame(name)


def test_a_kept_table_that_is_cut_is_refused(kept, tmp_path):
    path = tmp_path / "scores.parquet"
    path.write_bytes((kept / "scores.parquet").read_bytes()[:-20])
    with pytest.raises(UserError, match="scores.parquet: cannot be read as Parquet"):
        parquet_table("scores", path)


def older(kept, path, without: str):
    """The kept scores as an earlier schema without a column would have them."""
    table = pq.read_table(kept / "scores.parquet").drop_columns([without])
    place = table.column_names.index("schema_version")
    version = table["schema_version"].to_pylist()[0] - 1
    pq.write_table(table.set_column(place, "schema_version", [[version] * len(table)]), path)
    return path


def test_a_table_of_an_older_schema_is_read_if_what_is_new_may_be_empty(kept, tmp_path, capsys):
    path = older(kept, tmp_path / "scores.parquet", "end_task_seed")
    text, _, is_older = parquet_table("scores", path)
    assert is_older and text == parquet_table("scores", kept / "scores.parquet").text
    assert "what is new is empty: end_task_seed." in capsys.readouterr().out


def test_an_empty_table_of_an_older_schema_is_read_by_its_columns(kept, tmp_path):
    path = tmp_path / "scores.parquet"
    pq.write_table(
        pq.read_table(kept / path.name).drop_columns(["parametrisation"]).slice(0, 0), path
    )
    text, _, is_older = parquet_table("scores", path)
    assert is_older and "parametrisation" in text.splitlines()[0]


def test_a_table_of_an_older_schema_is_refused_if_what_is_new_may_not_be_empty(kept, tmp_path):
    path = older(kept, tmp_path / "scores.parquet", "engine")
    with pytest.raises(UserError, match="expected version 3 of the table's schema, found 2"):
        parquet_table("scores", path)


def test_a_name_that_the_study_does_not_show_is_refused(kept, tmp_path, capsys):
    assert main(["render", str(kept), "--out", str(tmp_path), "--only", "fg,scale"]) == 2
    said = capsys.readouterr().err
    assert "found 'scale'; there are fg, learning, matrix, claims." in said
    assert not list(tmp_path.iterdir())


def test_a_width_changed_by_hand_is_drawn_or_refused_in_one_sentence(study, tmp_path, capsys):
    folder = tmp_path / "small"
    keep(open_study(study), folder, with_items=False)
    text = (folder / "study.json").read_text()
    call = ["render", str(folder), "--only", "matrix", "--out", str(tmp_path / "drawn")]
    sizes = []
    for width in ("page", "column"):
        (folder / "study.json").write_text(
            json.dumps(json.loads(text) | {"widths": {"matrix": width}})
        )
        assert main(call) == 0
        sizes.append((tmp_path / "drawn" / "figures" / "matrix.png").read_bytes()[16:20])
    assert [int.from_bytes(size, "big") for size in sizes] == [1300, 660]
    (folder / "study.json").write_text(
        json.dumps(json.loads(text) | {"widths": {"matrix": "colum"}})
    )
    capsys.readouterr()
    assert main(call) == 2
    assert (
        "widths.matrix: expected one of column, text, page, found 'colum'"
        in capsys.readouterr().err
    )


def test_of_a_folder_of_studies_those_without_long_tables_are_named(
    kept, tmp_path, capsys, monkeypatch
):
    (tmp_path / "reference" / "old" / "tables").mkdir(parents=True)
    (tmp_path / "reference" / "small").symlink_to(kept)
    monkeypatch.chdir(tmp_path)
    assert main(["render", "reference", "--only", "learning"]) == 0
    said = capsys.readouterr().out
    assert "reference/old: keeps no long tables, so its pages stay as they are." in said
    assert (tmp_path / "results" / "rendered" / "small" / "tables" / "learning.md").is_file()


def test_parts_of_one_study_are_drawn_in_folders_of_their_own(kept, tmp_path, monkeypatch):
    for name in ("small-1", "small-2"):
        shutil.copytree(kept, tmp_path / "reference" / name)
    monkeypatch.chdir(tmp_path)
    assert main(["render", "reference", "--only", "learning"]) == 0
    drawn = sorted(path.name for path in (tmp_path / "results" / "rendered").iterdir())
    assert drawn == ["small-1", "small-2"]
    # One alone too: another must not take its place.
    assert main(["render", "reference/small-1", "--only", "fg"]) == 0
    assert (tmp_path / "results" / "rendered" / "small-1" / "tables" / "fg.md").is_file()


@pytest.mark.parametrize("verb", ["render", "report"])
def test_two_folders_of_one_name_are_refused_before_either_is_drawn(
    kept, tmp_path, monkeypatch, capsys, verb
):
    for name in ("one/small", "two/small"):
        shutil.copytree(kept, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert main([verb, "one/small", "two/small"]) == 2
    told = capsys.readouterr().err
    assert "one/small and two/small would both be drawn in results/rendered/small" in told
    assert not (tmp_path / "results").exists()


def test_a_folder_without_a_study_is_refused(tmp_path, capsys):
    assert main(["render", str(tmp_path)]) == 2
    assert "expected a study's folder, with collect.json" in capsys.readouterr().err


def test_pages_to_read_lie_beside_the_tables_and_are_checked_against_them(kept, tmp_path, capsys):
    place, out = tmp_path / "kept", ["--out", str(tmp_path / "out"), "--only", "fg"]
    keep(open_study(kept), place, with_items=False)
    assert main(["render", str(place), *out, "--pages"]) == 0
    pages = {path for path in files_of(place) if path.count("/")}
    assert pages == {"tables/fg.md"}
    assert main(["render", str(place), *out, "--check"]) == 0
    page = place / "tables" / "fg.md"
    page.write_text(page.read_text().replace("0", "1"))
    assert main(["render", str(place), *out, "--check"]) == 2
    assert "fg.md: is not what this code makes" in capsys.readouterr().err


def test_what_was_kept_before_does_not_stay_beside_it(study, tmp_path):
    keep(open_study(study), tmp_path, with_items=True)
    assert list(tmp_path.glob("items/*.parquet"))
    (study / "stages.csv").rename(study / "put-aside")
    try:
        keep(open_study(study), tmp_path, with_items=False)
    finally:
        (study / "put-aside").rename(study / "stages.csv")
    assert not list(tmp_path.glob("items/*.parquet")) and not (tmp_path / "stages.parquet").exists()


def test_a_run_is_not_written_over(kept, tmp_path, capsys):
    write_json(tmp_path / "collect.json", {})
    assert main(["render", str(kept), "--out", str(tmp_path)]) == 2
    assert main(["keep", str(kept), "--to", str(tmp_path)]) == 2
    assert main(["keep", str(kept), "--to", str(kept)]) == 2
    said = capsys.readouterr().err
    assert said.count("expected another folder") == 3 and "name one with --out." in said
    assert said.count("name one with --to.") == 2 and "found the study itself" in said


def test_keep_and_render_say_as_json_what_they_wrote(study, tmp_path, capsys):
    to = tmp_path / "kept"
    capsys.readouterr()
    assert main(["keep", str(study), "--to", str(to), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {Path(file["path"]): file["bytes"] for file in said["files"]} == {
        path: path.stat().st_size for path in to.iterdir()
    }
    out = tmp_path / "out"
    assert main(["render", str(to), "--out", str(out), "--only", "fg", "--json"]) == 0
    (drawn,) = json.loads(capsys.readouterr().out)
    assert (drawn["study"], drawn["folder"], drawn["drawn"]) == (said["study"], str(to), str(out))
    assert "fg" in drawn["tables"] and (out / "tables" / "fg.md").is_file()
