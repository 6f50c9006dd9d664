"""A study's items for a reader: its lines, its pages, and what `lethe items` prints."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from lethe.artefacts.study_files import QUESTIONS
from lethe.commands import items as command
from lethe.longtables.questions import Question, file_of, write_questions
from lethe.longtables.run import COLUMNS
from lethe.questions.lines import lines_of
from lethe.questions.page import MOST_ITEMS, inert, set_page, shown_items
from lethe.questions.study import texts_of, write_pages

HOSTILE = "<script>alert(1)</script> | & \"' \x1b[2J\u202e\u2028 `x` ]]>"
RUN = dict.fromkeys(COLUMNS) | {"model": "m", "method": "sequential", "order": "forward"}
RUN |= {
    "parametrisation": "full",
    "method_params": "{}",
    "recipe": "r",
    "series": "s",
    "family": "causal",
    "params": 9,
}


def scores_of(chains: dict[int, list[str]], axis: str = "knowledge", probe: str = "set"):
    """A row for every train seed and stage; stages teach t1, t2, ..."""
    return pd.DataFrame(
        RUN
        | {"node": node, "stage_index": index, "stage_task": f"t{index}" if index else ""}
        | {"axis": axis, "probe": probe, "kind": "probe", "split": "test", "train_seed": seed}
        for seed, nodes in chains.items()
        for index, node in enumerate(nodes)
    )


def items_of(right: dict[str, str]) -> pd.DataFrame:
    """The items of nodes; a text of 0 and 1 says which are right. The first margins are largest."""
    rows = [
        {"node": node, "item_id": f"i{place}", "correct": float(mark), "predicted": mark}
        | {"gold_logprob": -1.0, "margin": (1 if mark == "1" else -1) * (9 - place)}
        for node, marks in right.items()
        for place, mark in enumerate(marks)
    ]
    return pd.DataFrame(rows)


STUDY = {0: ["base", "a1", "a2"], 1: ["base", "b1", "b2"]}
RIGHT = {"base": "11100", "a1": "01100", "a2": "00110", "b1": "11111", "b2": "01111"}


def texts(*names: str) -> dict[str, Question]:
    return {name: Question(name, f"{HOSTILE} {name}", ("no", HOSTILE), (1,)) for name in names}


def answers(items: pd.DataFrame) -> dict[str, dict]:
    groups = items.groupby("node")
    return {node: part.set_index("item_id").to_dict("index") for node, part in groups}


def test_a_line_is_compared_from_the_base_to_the_last_stage_of_its_first_run():
    (line,) = lines_of(scores_of(STUDY), "set", items_of(RIGHT))
    assert [node for _, node in line.stages] == ["base", "a1", "a2"] and line.runs == 2
    assert line.counts == {"lost": 2, "regained": 1, "kept": 1, "never known": 1}
    assert list(line.rows.index[:2]) == ["i0", "i1"]
    assert line.rows["runs_lost"].to_dict() == {"i0": 2, "i1": 1, "i2": 0, "i3": 0, "i4": 0}
    assert set(line.rows["runs_with"]) == {2}


def test_what_a_stage_teaches_is_compared_from_that_stage_on():
    scores = scores_of(STUDY, axis="own", probe="own_t1")
    (line,) = lines_of(scores, "own_t1", items_of(RIGHT))
    assert [node for _, node in line.stages] == ["a1", "a2"]
    # The last stage has no later one, so it is compared with the base.
    (line,) = lines_of(scores.assign(probe="own_t2"), "own_t2", items_of(RIGHT))
    assert [node for _, node in line.stages] == ["base", "a1", "a2"]


def test_cloze_of_a_domain_is_compared_from_the_domain_s_stage_on():
    scores = scores_of({0: ["base", "a1", "a2"]}, axis="domain", probe="cloze_t1")
    (line,) = lines_of(scores.assign(kind="cloze"), "cloze_t1", items_of(RIGHT))
    assert [node for _, node in line.stages] == ["a1", "a2"]


def test_bias_has_no_lost_items():
    assert not list(lines_of(scores_of(STUDY, axis="bias"), "set", items_of(RIGHT)))


class Tags(HTMLParser):
    """Collects the tags, and the text outside of them."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not {name for name, _ in attrs} & {"href", "src", "onclick", "srcset"}

    def handle_data(self, data):
        self.text += data


def test_a_page_shows_hostile_texts_letter_by_letter_and_nothing_in_it_acts():
    items = items_of(RIGHT)
    (line,) = lines_of(scores_of(STUDY), "set", items)
    page = set_page(f"set{HOSTILE}", [line], texts("i0", "i1", "i3"), answers(items))
    found = Tags(page)
    assert "script" not in found.tags and "<script>alert(1)</script>" in found.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u202e]", page)
    assert "default-src 'none'" in page
    for stage, mark in (("base", "✓"), ("stage 1, t1", "✗"), ("stage 2, t2", "✗")):
        assert f"<tr><td>{stage}</td><td>{mark}</td>" in page
    assert "lost in 2 of 2 runs" in page and page.index("item i0") < page.index("item i1")
    assert "✓</li>" in page and "not kept" not in page


def test_texts_that_are_not_kept_are_said_not_to_be():
    items = items_of(RIGHT)
    (line,) = lines_of(scores_of(STUDY), "set", items)
    assert "texts of this set are not kept" in set_page("set", [line], {}, answers(items))


def test_a_page_is_bounded_and_its_lines_share_it():
    many = "1" * 5000
    items = items_of({"base": many, "a1": "0" * 5000})
    (line,) = lines_of(scores_of({0: ["base", "a1"]}), "set", items)
    assert len(shown_items(line, 1)["lost"]) == MOST_ITEMS
    assert len(shown_items(line, 10)["lost"]) == MOST_ITEMS // 10
    assert len(set_page("set", [line], {}, answers(items))) < 200_000
    assert len(inert("x" * 10**6)) == 2000 and inert("a\nb") == "a\nb"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study's folder as it lies on the disk; its texts lack one item."""
    from lethe.longtables.items import ItemsWriter

    scores = scores_of(STUDY)
    with ItemsWriter(tmp_path / "items", tmp_path / "work") as writer:
        for node, part in items_of(RIGHT).groupby("node"):
            rows = part.drop(columns="node").assign(cluster_id="c", subset="").to_dict("records")
            writer.add(node, "set", [row | {"metrics": {}} for row in rows])
        writer.finish()
    asked = list(texts("i0", "i3").values())
    write_questions(file_of(tmp_path / QUESTIONS, "set"), asked)
    (tmp_path / "scores.csv").touch()
    monkeypatch.setattr("lethe.longtables.tables.read_scores", lambda _: scores)
    monkeypatch.setattr(command, "study_directory", lambda *_: tmp_path)
    return tmp_path


def test_pages_of_a_folder_are_the_same_each_time_and_have_the_texts_that_are_kept(folder):
    (page,) = write_pages(scores_of(STUDY), folder / "items", folder / QUESTIONS)
    first = page.read_bytes()
    write_pages(scores_of(STUDY), folder / "items", folder / QUESTIONS)
    assert page.read_bytes() == first and page.name == "set.html"
    assert first.count(b"alert(1)") >= 2
    assert set(texts_of(folder / QUESTIONS, "set", {"i0", "i1"})) == {"i0"}


def printed(capsys, *options: str) -> str:
    import argparse

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(list(options)))
    return capsys.readouterr().out


def test_the_terminal_shows_what_was_lost_in_words_that_move_no_cursor(folder, capsys):
    out = printed(capsys)
    assert "5 items: 2 lost, " in out
    assert "\x1b" not in out and "\u202e" not in out and "its texts are not kept" in out
    assert out.count("before:") == 2 and "(margin +9.00)" in out
    assert printed(capsys, "--regained").count("before:") == 1
    some = printed(capsys, "--all", "--most", "4")
    assert some.count("before:") == 4 and "1 more; --most 5 shows all" in some
    assert "more;" not in printed(capsys, "--all", "--most", "5")


def test_json_has_every_item_once_with_its_texts_where_they_are_kept(folder, capsys):
    rows = [json.loads(line) for line in printed(capsys, "--all", "--json").splitlines()]
    assert sorted(row["item_id"] for row in rows) == ["i0", "i1", "i2", "i3", "i4"]
    by_item = {row["item_id"]: row for row in rows}
    assert by_item["i3"]["question"] == f"{HOSTILE} i3" and "question" not in by_item["i1"]
    assert by_item["i0"]["change"] == "lost" and by_item["i0"]["before"]["choice"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "other"), "--set: expected one of set, found 'other'"),
        (("--line", "other"), "--line: expected words of a line"),
        (("--most", "0"), "--most: expected a whole number above 0"),
    ],
)
def test_a_mistake_is_a_sentence(folder, capsys, options, words):
    from lethe.errors import UserError

    with pytest.raises(UserError, match=words):
        printed(capsys, *options)


def test_up_to_a_checkpoint_it_shows_what_was_lost_by_then(folder, capsys, monkeypatch):
    monkeypatch.setattr(command, "find", lambda _, name: name)
    rows = [json.loads(line) for line in printed(capsys, "--node", "a1", "--json").splitlines()]
    assert [(row["item_id"], row["to"]) for row in rows] == [("i0", "stage 1, t1")]
    last = printed(capsys, "--node", "a2", "--json")
    assert last == printed(capsys, "--json") and len(last.splitlines()) == 2


@pytest.mark.parametrize("node", ["base", "b1", "other"])
def test_what_is_no_later_checkpoint_of_a_first_run_is_refused(folder, capsys, monkeypatch, node):
    from lethe.errors import UserError

    monkeypatch.setattr(command, "find", lambda _, name: name)
    with pytest.raises(UserError, match="--node: expected a checkpoint after the base"):
        printed(capsys, "--node", node)
