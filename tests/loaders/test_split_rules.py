"""The splits of Ke et al. 2023: the released arithmetic gives the published sizes."""

import json
from pathlib import Path

import pytest
import yaml

from lethe.config.reading import parse_study, read_catalogue
from lethe.errors import UserError
from lethe.planning.plan import make_plan
from lethe.sources.loaders.text_lines import dev_lines
from lethe.sources.parameters import source_parameters
from lethe.sources.prepare import check_beginning, prepare
from lethe.sources.ruled_splits import KE2023, apply_rule, first_of_each_class, moved_per_class


def labelled_rows(sizes: list[int]) -> list[dict]:
    """Rows of so many a class, the classes interleaved as long as they last."""
    rows = [(n, c) for c, size in enumerate(sizes) for n in range(size)]
    return [{"text": f"{c} {n}", "label": f"class {c}"} for n, c in sorted(rows)]


# Public training rows by class (sums 1688, 3219 and 4169), public dev and test rows together. Of
# ChemProt's thirteen classes, five are smaller than what would be moved.
PUBLIC = {
    "aclarc": ([1000, 300, 200, 100, 50, 38], 28, 1941 - 1688),
    "scierc": ([1500, 500, 400, 300, 200, 180, 139], 137, 4648 - 3219),
    "chemprot": ([1000, 800, 600, 500, 400, 300, 187, 160] + [45, 45, 44, 44, 44], 160, 5896),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_worked_numbers_give_the_published_sizes(name):
    sizes, most, others = PUBLIC[name]
    rule = KE2023[name]
    assert moved_per_class(sum(sizes), rule.ratio, len(sizes)) == most
    rest = [{"text": f"other {n}", "label": "class 0"} for n in range(others)]
    train, test = apply_rule(rule, labelled_rows(sizes), rest[:100], rest[100:])
    if name == "chemprot":
        # Some classes are smaller than what is moved of each, so fewer than 13 k are.
        assert len(train) > sum(sizes) - len(sizes) * most
    assert (len(train), len(test)) == rule.sizes
    assert len(train) + len(test) == {"aclarc": 1941, "scierc": 4648, "chemprot": 10065}[name]


def test_the_first_rows_of_each_class_move_and_nothing_is_lost():
    assert first_of_each_class(list("abaabc"), 2) == [True, True, True, False, True, True]
    rows = labelled_rows([10, 4])
    train, test = apply_rule(KE2023["camera"], rows, [], [])
    # int(14 * 0.2 // 2) = 1: the first row of either class.
    assert [row["text"] for row in test] == ["0 0", "1 0"]
    assert sorted(row["text"] for row in train + test) == sorted(row["text"] for row in rows)


def test_no_row_moves_without_a_ratio():
    rows = labelled_rows([3, 2])
    assert apply_rule(KE2023["restaurant"], rows, [], rows[:1]) == (rows, rows[:1])


def spec_of(tmp_path, loader: str, contents: dict[str, str], suffix: str, **parameters) -> dict:
    files = {}
    for split, content in contents.items():
        path = tmp_path / f"{split}{suffix}"
        path.write_text(content, encoding="utf-8")
        files[split] = {"path": str(path), "sha256": ""}
    shared = {"kind": "data", "name": "mine", "source": "files", "subset": None}
    parameters = source_parameters("sources.mine", "files", loader, parameters)
    return {**shared, "loader": loader, "files": files, "parameters": parameters}


def rows_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_a_split_that_the_rule_needs_is_missed_before_a_job(tmp_path):
    line = json.dumps({"text": "a b", "label": "Uses"}) + "\n"
    spec = spec_of(tmp_path, "sciie", {"test": line}, ".jsonl", split=None)
    for look in (lambda: check_beginning(spec, 100), lambda: prepare(spec, tmp_path / "out", None)):
        with pytest.raises(UserError, match="the split train is missing .found test"):
            look()


def test_other_sizes_are_refused_in_one_sentence_that_names_both(tmp_path):
    line = json.dumps({"text": "a b", "label": "Uses"}) + "\n"
    contents = {"train": line * 12, "validation": line, "test": line * 2}
    spec = spec_of(tmp_path, "citation_intent", contents, ".jsonl")
    expected = "sources.mine: expected 1520 training and 421 test rows .*, found 11 and 4; "
    with pytest.raises(UserError, match=expected):
        prepare(spec, tmp_path / "out", None)
    spec = spec_of(tmp_path, "citation_intent", contents, ".jsonl", any_size=True)
    assert prepare(spec, tmp_path / "out", None)["prepared"] == ["test.jsonl", "train.jsonl"]


def test_an_aspects_text_is_the_term_a_separator_and_the_sentence(tmp_path):
    row = {"term": "zoom", "sentence": "The zoom is poor .", "polarity": "-", "id": "1"}
    contents = {
        "train": json.dumps({"1": row}),
        "test": json.dumps([row, {**row, "polarity": "?"}]),
    }
    facts = prepare(spec_of(tmp_path, "absa", contents, ".json"), tmp_path / "out", None)
    found = {"id": "train-0", "text": "zoom </s> The zoom is poor .", "label": "negative"}
    assert rows_of(tmp_path / "out" / "train.jsonl") == [found]
    assert facts["rows"]["test"]["dropped"] == {"polarity is none of the three": 1}


def test_a_corpus_first_lines_are_dev_and_no_line_is_in_both(tmp_path):
    lines = [f"document {n}" for n in range(40)]
    lines[1] = "  "
    spec = spec_of(tmp_path, "text_lines", {"train": "\n".join(lines) + "\n"}, ".txt")
    prepare(spec, tmp_path / "out", None)
    dev = [row["text"] for row in rows_of(tmp_path / "out" / "dev.jsonl")]
    train = [row["text"] for row in rows_of(tmp_path / "out" / "train.jsonl")]
    # Two of forty lines are dev, and a blank one is no document.
    assert dev == lines[:1] and train == lines[2:]
    assert dev_lines(1000, 5) == 50 and dev_lines(1, 5) == 0


def test_json_that_is_no_table_is_one_sentence(tmp_path):
    contents = {"train": "[1, 2]", "test": "[]"}
    with pytest.raises(UserError, match="expected JSON objects, one per line, in a list or by key"):
        prepare(spec_of(tmp_path, "absa", contents, ".json"), tmp_path / "out", None)


def test_missing_files_matter_only_to_studies_that_select_them():
    chosen = {"models": ["roberta-base"], "recipe": "ke2023", "orders": ["ke2023-0"], "also": []}
    chosen |= {"probes": [], "end_tasks": ["Restaurant", "PubMed"], "claims": [], "tables": []}
    folder = Path(__file__).parents[2] / "config"
    raw = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    # The default study reads the same catalogue and is planned without them.
    assert make_plan(*_read(raw)).nodes
    with pytest.raises(UserError, match="expected a file, found none at data/ke2023"):
        make_plan(*_read({**raw, **chosen}))


def _read(raw: dict):
    study = parse_study(raw)
    return study, read_catalogue(study)
