"""`lethe tasks`: the names that lm-eval knows, what their YAMLs say, and where their data are."""

import json
from pathlib import Path

import evaluation_world as world
import pytest

from lethe.cli import main
from lethe.commands.tasks import rows_of
from lethe.errors import UserError
from lethe.evaluation import listing
from lethe.evaluation.dataset_places import is_prepared
from lethe.evaluation.declared import library_folder

# Groups in groups, tags, templates that are included, tasks in Python.
FOLDERS = ["glue", "super_glue", "blimp", "mmlu/default", "squadv2", "mmlu-pro-plus"]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with two tasks of its own, one of the hub, and a group of them; caches are empty."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    listing._is_here.cache_clear()
    folder = tmp_path / "eval"
    world.write_task(folder, "know", world.CHOICE, world.choice_rows, n=4)
    world.write_task(folder, "own", world.OWN, world.own_rows, n=4, length=8)
    remote = "task: remote\ntag: far\ndataset_path: some/set\noutput_type: multiple_choice\n"
    remote += "test_split: test\ndoc_to_text: q\ndoc_to_target: a\ndoc_to_choice: [A, B, C]\n"
    (folder / "remote.yaml").write_text(remote)
    (folder / "both.yaml").write_text("group: both\ntask: [know, remote]\n")
    yield folder
    listing._is_here.cache_clear()


def rows(folder: Path, source: Path | None = None) -> dict[str, dict]:
    return {row["name"]: row for row in rows_of(listing.all_tasks(folder), source)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_names_and_kinds_are_those_of_lm_eval(folder):
    from lm_eval.tasks import TaskManager

    path = library_folder() / folder
    manager = TaskManager(include_path=str(path), include_defaults=False)
    kinds = {"TASK": "task", "PY_TASK": "task", "GROUP": "group", "TAG": "tag"}
    expected = {name: kinds[entry.kind.name] for name, entry in manager.task_index.items()}
    found = listing.listed_in(path, "lm-eval")
    assert {name: entry.kind for name, entry in found.items()} == expected and expected


def test_a_group_counts_the_tasks_below_it(place):
    mmlu = listing.listed_in(library_folder() / "mmlu" / "default", "lm-eval")
    assert len(listing.tasks_of(mmlu["mmlu"], mmlu)) == 57
    assert rows(place)["both"]["tasks"] == 2 and rows(place)["far"]["tasks"] == 1


def test_a_group_that_lists_itself_ends():
    loop = {"a": listing.Listed("a", "group", "x", members=("b",))}
    loop |= {"b": listing.Listed("b", "group", "x", members=("a", "t"))}
    loop |= {"t": listing.Listed("t", "task", "x")}
    assert listing.tasks_of(loop["a"], loop) == [loop["t"]]


def test_what_a_yaml_says_is_listed(place):
    found = rows(place)
    assert found["know"]["metrics"] == ["acc", "acc_norm"]
    assert found["own"]["type"] == "generate_until"
    assert found["remote"]["choices"] == 3 and found["remote"]["datasets"] == ["some/set"]


def test_where_the_data_are(place, tmp_path):
    found = rows(place)
    assert [found[name]["data"] for name in ("know", "remote", "both")] == ["here", "hub", "hub"]
    (place / "data" / "know" / "test.jsonl").unlink()
    assert rows(place)["know"]["data"] == "missing"
    (tmp_path / "copies" / "some" / "set").mkdir(parents=True)
    (tmp_path / "copies" / "some" / "set" / "test.jsonl").write_text("{}\n")
    assert rows(place, tmp_path / "copies")["remote"]["data"] == "here"


@pytest.mark.parametrize("kept", ["hub/datasets--some--set", "datasets/some___set"])
def test_data_in_a_cache_are_here(place, kept):
    (place.parent / kept).mkdir(parents=True)
    assert rows(place)["remote"]["data"] == "here"


def test_data_are_prepared_under_their_own_name_alone(place):
    """Another data set whose name has this one's in it must not keep it from being fetched."""
    (place.parent / "datasets" / "awe___some_set").mkdir(parents=True)
    assert not is_prepared("some/set") and is_prepared("awe/some_set")


def test_words_filter_and_the_closest_name_comes_first(place, capsys):
    world.write_task(place, "all_know", world.CHOICE, world.choice_rows, n=4)
    assert main(["tasks", "know", "--include-path", str(place)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "know", "all_know"]
    assert main(["tasks", "KNOW", "all", "--include-path", str(place), "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["all_know"]


def test_a_word_that_no_name_has_names_the_nearest(place, capsys):
    assert main(["tasks", "remoet", "--include-path", str(place)]) == 2
    assert "near it are remote" in capsys.readouterr().err


def test_a_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(UserError, match="found none"):
        listing.all_tasks(tmp_path)
    with pytest.raises(UserError, match="found none"):
        listing.all_tasks(tmp_path / "nowhere")


def test_a_yaml_that_lm_eval_would_leave_out_is_left_out(place):
    (place / "know.yaml").write_text("include: nowhere_yaml\ntask: know\n")
    assert "know" not in rows(place)


def test_what_lm_eval_has_is_kept_and_made_again_for_another_version(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(listing, "library_folder", lambda: library_folder() / "glue")
    first = listing.all_tasks()
    assert first["glue"].members
    monkeypatch.setattr(listing, "listed_in", lambda folder, origin: {})
    assert listing.all_tasks() == {n: e for n, e in first.items() if e.origin == "lm-eval"}
    monkeypatch.setattr(listing, "version", lambda name: "another")
    assert listing.all_tasks() == {}
