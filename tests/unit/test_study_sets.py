"""Checkpoints of a study, named by words, are asked what the study asks, as it asks it."""

import json

import evaluation_world as world
import pytest

from lethe.artefacts.files import digest, write_json
from lethe.cli import main

RUN = {
    "model": "tiny",
    "family": "causal",
    "series": "tiny",
    "untuned": "",
    "world_seed": None,
    "base_seed": None,
    "method": "replay",
    "method_params": {},
    "parametrisation": "full",
    "recipe": "brief",
    "order": "notes",
    "train_seed": 0,
    "checkpoints": ["tiny-base", "tiny-s1"],
    "stages": ["", "notes"],
}
TASK = {"metric": "acc", "chance": 0.25, "shots": 0, "cluster": "cluster", "subset": None}
KNOW = TASK | {"name": "know", "axis": "mine", "data": None, "data_kind": None}
OWN = KNOW | {"name": "own", "axis": "own", "metric": "sari", "chance": None}

LETTERS = KNOW | {"name": "letters", "axis": "prose", "metric": "lm_loss", "chance": None}
LETTERS |= {"texts": "{split}.jsonl", "data": "files-1", "data_kind": "data"}


def probe_of(node: str, kind: str, folder, tasks: list[dict]) -> dict:
    spec = {"kind": "probe", "checkpoint": node, "checkpoint_kind": kind, "probe": "general"}
    spec |= {"include": str(folder), "split": "test", "limit": 6, "engine": "fast"}
    return spec | {"dtype": "float32", "tasks": tasks}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder of a study that asks `know` of both checkpoints, `own` of the base alone."""
    place = tmp_path_factory.mktemp("sets") / "results"
    world.write_task(place.parent / "eval", "know", world.CHOICE, world.choice_rows, n=24)
    world.write_task(place.parent / "eval", "own", world.OWN, world.own_rows, n=8, length=8)
    world.write_task(place.parent / "more", "further", world.CHOICE, world.choice_rows, n=8)
    texts = [{"prompt": text, "response": ""} for text in ("a b c d", "b c d e f", "c a b")]
    lines = "".join(json.dumps(row) + "\n" for row in texts)
    (place / "data" / "files-1").mkdir(parents=True)
    (place / "data" / "files-1" / "test.jsonl").write_text(lines)
    probes = {}
    for seed, (node, kind) in enumerate((("tiny-base", "base"), ("tiny-s1", "stage"))):
        world.write_checkpoint(place / f"{kind}s" / node, seed)
        write_json(place / "specs" / f"{node}.json", {"kind": kind})
        asked = [KNOW, OWN] if kind == "base" else [KNOW]
        spec = probe_of(node, kind, place.parent / "eval", asked)
        write_json(place / "specs" / f"{node}-general.json", spec)
        write_json(place / "specs" / f"{node}-held.json", spec | {"tasks": [LETTERS]})
        probes[node] = [f"{node}-general", f"{node}-held"]
    record = {"study": "tiny", "runs": [RUN], "probes": probes}
    write_json(place / "specs" / f"study-tiny-{digest(record)[:12]}.json", record)
    return place


def said(capsys, results, *words: str) -> tuple[int, str, str]:
    status = main([*words, "--results", str(results)])
    return status, *capsys.readouterr()


def test_without_tasks_all_sets_are_compared_that_the_study_asks_of_both(results, capsys):
    status, out, err = said(capsys, results, "compare", "tiny/base", "replay/1", "--json")
    assert status in (0, 3)
    (compared,) = json.loads(out)["comparisons"]
    know, letters = compared["sets"]
    assert (letters["set"], letters["metric"], letters["paired"]) == ("letters", "lm_loss", True)
    assert (know["set"], know["ability"], know["chance"], know["items"]) == ("know", "mine", 25, 6)
    assert "on the study's evaluation sets (know, letters); --tasks names others" in err
    assert "scoring tiny/replay/notes/1@0" in err


def test_the_studys_sets_are_found_by_name_beside_those_of_several_folders(results, capsys):
    tasks = ["--tasks", "know", "--tasks", "further", "--limit", "4"]
    folders = ["--include-path", str(results.parent / "more"), "--include-path", str(results)]
    status, out, _ = said(capsys, results, "evaluate", "tiny/base", *tasks, *folders, "--json")
    assert status == 0
    assert [(result["task"], result["n"]) for result in json.loads(out)] == [
        ("know", 4),
        ("further", 4),
    ]


def test_a_name_that_none_of_several_folders_has_is_a_sentence_with_all(results, capsys):
    folders = [f"--include-path={results.parent / name}" for name in ("more", "eval")]
    status, _, err = said(capsys, results, "evaluate", *folders, "tiny/base", "--tasks", "furher")
    assert status == 2
    assert "'furher' in" in err and "/more or " in err and "nearest known name is 'further'" in err


def test_scores_that_the_study_has_are_not_made_again(results, capsys, monkeypatch):
    store = results / "scores" / "store"
    for node in RUN["checkpoints"]:
        words = ["evaluate", node, "--tasks", "know", "--out", str(store / node)]
        assert said(capsys, results, *words)[0] == 0

    def refuse(*_, **__):
        raise AssertionError("a model was loaded for scores that the study has")

    monkeypatch.setattr("lethe.evaluation.harness.open_checkpoint", refuse)
    assert said(capsys, results, "compare", "tiny/base", "replay/1")[0] in (0, 3)


def test_what_is_of_no_study_needs_tasks_and_is_told_where_they_are_listed(results, capsys):
    folder = str(results.parent / "eval")
    status, _, err = said(capsys, results, "evaluate", folder)
    assert status == 2
    assert "`lethe tasks` lists what there is" in err and "named by words (xs/base)" in err


def test_names_of_the_studys_own_sets_are_known_and_guessed_first(results, capsys):
    for name in ("letters", "own"):  # `own` is asked of the base alone
        words = ["compare", "tiny/base", "replay/1", "--tasks", name, "--json"]
        status, out, _ = said(capsys, results, *words)
        assert status in (0, 3) and json.loads(out)["comparisons"][0]["sets"][0]["set"] == name
    status, _, err = said(capsys, results, "compare", "tiny/base", "replay/1", "--tasks", "leters")
    assert status == 2 and "the study's own set nearest to it is 'letters'" in err


def test_sets_of_the_catalogues_probes_are_said_to_be_asked_at_checkpoints_of_a_study(capsys):
    assert main(["tasks", "know_nature"]) == 2
    told = capsys.readouterr().err
    assert "know_nature (probe miniature-general)" in told and "lethe compare" in told
