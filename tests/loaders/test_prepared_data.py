"""The paper's rules for its training data: prompts, choice of examples, what is held out."""

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import raw_tables
from raw_tables import KEYS, TABLES
from test_loaders import rows, spec_of

from lethe.errors import UserError
from lethe.sources.loaders import eli5, esnli, gigaword, wiki_auto
from lethe.sources.loaders.registry import LOADERS
from lethe.sources.named_rows import named_rows
from lethe.sources.prepare import check_beginning, first_texts, prepare
from lethe.sources.prepared import chosen_examples
from lethe.sources.prompt_sets import WRAPPERS
from lethe.sources.reading import local_files


@pytest.fixture(scope="module")
def roads(tmp_path_factory):
    return {name: table(tmp_path_factory.mktemp(name)) for name, table in TABLES.items()}


def written(path: Path) -> list[tuple[str, str]]:
    return [(row["prompt"], row["response"]) for row in rows(path)]


def as_scialom(phrasings, examples, response, constraint=None) -> tuple[list[str], list]:
    """Prompts and targets by the procedure of Scialom et al., written out plainly."""
    generator = random.Random(666)
    prompts, targets = [], []
    for example in examples:
        prompt = generator.choice(phrasings)
        values = dict(example)
        if constraint:
            words = example[response].split()
            place = {"start": 0, "end": len(words) - 1}.get(constraint)
            if place is None:
                place = generator.randint(0, len(words) - 1)
            values["TO_REPLACE_1"] = words[place]
        for key, value in values.items():
            prompt = prompt.replace(f"[{key}]", str(value))
        prompts.append(prompt)
        targets.append(example[response])
    return prompts, targets


def authors_files(folder: Path, name: str, roads) -> dict[str, Path]:
    """The authors' files of a dataset, made of the raw rows without any code of the package."""
    files = {}
    if name == "gigaword":
        for split in ("train", "test"):
            table = rows(roads[name].local[split])
            for kind, endings in (("start", gigaword.START), ("contain", gigaword.CONTAIN)) + (
                ("end", gigaword.END),
            ):
                phrasings = [
                    f'Make a title for this article{e} "[TO_REPLACE_1]": [document]'
                    for e in endings
                ]
                prompts, targets = as_scialom(phrasings, table, "summary", kind)
                key = f"{split}.constrain_{kind}+make_a_title"
                value = {"src": prompts, "tgt": targets, "src_info": table}
                files[key] = raw_tables.write_json(folder / f"{key}.json", value)
    if name == "wiki_auto":
        lines = [roads[name].local[f"train.{k}"].read_text().splitlines() for k in ("src", "dst")]
        table = [{"normal_sentence": a, "simple_sentence": b} for a, b in zip(*lines, strict=True)]
        for split, part in (("train", table[:-8]), ("test", table[-5:])):
            prompts, targets = as_scialom(wiki_auto.PHRASINGS, part, "simple_sentence")
            key = f"{split}.simplification_1"
            value = {"src": prompts, "tgt": targets}
            files[key] = raw_tables.write_json(folder / f"{key}.json", value)
    return files


@pytest.mark.parametrize("name", ["wiki_auto", "gigaword"])
def test_prompts_are_those_of_the_authors_and_their_files_give_the_same_data(name, roads, tmp_path):
    prepare(spec_of(name, roads[name], True, count=9), tmp_path / "raw", roads[name].hub)
    files = authors_files(tmp_path / "authors", name, roads)
    theirs = raw_tables.Roads(roads[name].hub, files)
    prepare(spec_of(name, theirs, False, count=9), tmp_path / "prepared", None)
    for file in ("train.jsonl", "test.jsonl"):
        ours, other = rows(tmp_path / "raw" / file), rows(tmp_path / "prepared" / file)
        assert sorted(row["id"] for row in ours) == sorted(row["id"] for row in other)
        by_id = {row["id"]: row for row in other}
        for row in ours:
            same = ("prompt", "response", "references", "source", "constraint")
            kept = {key: row[key] for key in same if key in row}
            assert kept == {key: by_id[row["id"]][key] for key in kept}


def test_the_choice_of_examples_is_that_of_the_released_code():
    for total, most in ((1000, 100), (50, 100), (7, None)):
        np.random.seed(0)
        indices = np.array(range(total))
        np.random.shuffle(indices)
        expected = sorted(indices[:most].tolist())
        assert np.flatnonzero(chosen_examples(total, most, 0)).tolist() == expected


def test_the_count_is_shared_by_the_prompt_sets_and_never_filled_up(roads, tmp_path):
    spec = spec_of("gigaword", roads["gigaword"], True, count=10)
    facts = prepare(spec, tmp_path, roads["gigaword"].hub)
    assert set(facts["rows"]["train"]["written"].values()) == {3}
    spec = spec_of("gigaword", roads["gigaword"], True, count=10**6)
    facts = prepare(spec, tmp_path, roads["gigaword"].hub)
    assert set(facts["rows"]["train"]["written"].values()) == {raw_tables.ROWS}


def test_choosing_fewer_examples_leaves_their_prompts_as_they_are(roads, tmp_path):
    for count in (4, None):
        spec = spec_of("wiki_auto", roads["wiki_auto"], True, count=count)
        prepare(spec, tmp_path / str(count), roads["wiki_auto"].hub)
    few, all_of_them = (written(tmp_path / name / "train.jsonl") for name in ("4", "None"))
    assert len(few) == 4 and set(few) < set(all_of_them)


def test_a_headline_holds_its_word_where_the_prompt_says(roads, tmp_path):
    prepare(spec_of("gigaword", roads["gigaword"], True), tmp_path, roads["gigaword"].hub)
    from lethe.evaluation.text_metrics import constraint

    found = rows(tmp_path / "test.jsonl")
    assert {row["constraint"]["kind"] for row in found} == {"first", "contained", "last"}
    for row in found:
        words = row["response"].split()
        assert f'"{row["constraint"]["word"]}"' in row["prompt"]
        place = {"first": words[:1], "last": words[-1:]}.get(row["constraint"]["kind"], words)
        assert row["constraint"]["word"] in place
        if row["constraint"]["word"].isalpha():
            assert constraint(row["response"], row["constraint"]) == 1.0


def test_questions_begin_with_w_or_h_and_hold_one_question_mark(roads, tmp_path):
    facts = prepare(spec_of("eli5", roads["eli5"], True), tmp_path, roads["eli5"].hub)
    questions = {row["response"] for row in rows(tmp_path / "train.jsonl")}
    assert questions and all(q[0] in "WH" and q.count("?") == 1 for q in questions)
    # Of every eight, two begin with D and one has two question marks.
    dropped = facts["rows"]["train"]["dropped"]
    assert dropped == {"not a question with W or H and one question mark": 3 * raw_tables.ROWS / 8}
    assert set(facts["rows"]["test"]["written"]) == {"generate_a_question_1"}
    assert eli5._best({"text": ["a", "b", "c"], "score": [1, 5, 5]}) == "b"


def test_every_turn_from_the_second_is_learned_after_those_before_it(roads, tmp_path):
    name = "empathetic_dialogues"
    prepare(spec_of(name, roads[name], False), tmp_path, None)
    found = rows(tmp_path / "train.jsonl")
    turns = [2 + number % 3 for number in range(raw_tables.ROWS // 4)]
    assert len(found) == sum(turns) - len(turns)
    assert found[0]["prompt"].startswith('The associated emotion is "proud" and the input prompt')
    assert [row["prompt"].count("\n- ") for row in found[1:3]] == [1, 2]
    assert not any("_comma_" in row["prompt"] + row["response"] for row in found)


def test_turns_that_do_not_follow_are_left_out_and_counted(tmp_path):
    header = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags"
    lines = [header, "a,1,sad,s,0,one,,", "a,2,sad,s,0,same speaker,,", "a,2,sad,s,1,two,,"]
    lines += ["b,2,sad,s,1,no beginning,,", "c,1,sad,s,0,alone,,"]
    local = {"train": raw_tables.write_lines(tmp_path / "train.csv", lines)}
    local["test"] = local["train"]
    roads = raw_tables.Roads(tmp_path, local)
    facts = prepare(spec_of("empathetic_dialogues", roads, False), tmp_path / "out", None)
    assert [row["response"] for row in rows(tmp_path / "out" / "train.jsonl")] == ["two"]
    assert sum(facts["rows"]["train"]["dropped"].values()) == 3


def test_labels_become_phrases_and_further_explanations_are_right_too(roads, tmp_path):
    prepare(spec_of("esnli", roads["esnli"], True), tmp_path, roads["esnli"].hub)
    found = rows(tmp_path / "test.jsonl")
    for row, phrase in zip(found, ("entail each other", "are unrelated"), strict=False):
        assert f"two following sentences {phrase}: " in row["prompt"]
    assert all(len(row["references"]) == 3 for row in found)
    assert all(row["response"] == row["references"][0] for row in found)


def test_released_targets_keep_the_brackets_of_explanations_with_an_apostrophe():
    for released, expected in ((True, '["it\'s red"]'), (False, "it's red")):
        loader = LOADERS["esnli"]("sources.x", {"released_targets": released})
        assert loader.target(["it's red"]) == expected
        assert loader.target(["it is red"]) == "it is red"
    assert esnli.RELATIONS["contradiction"] == "do not entail each other"


def test_alpaca_has_its_own_prompts_with_and_without_an_input(roads, tmp_path):
    prepare(spec_of("alpaca", roads["alpaca"], True), tmp_path, roads["alpaca"].hub)
    prompts = [row["prompt"] for row in rows(tmp_path / "train.jsonl")]
    assert "### Input:" not in prompts[0] and "### Input:" in prompts[1]
    assert all(prompt.endswith("\n\n### Response:") for prompt in prompts)
    assert not (tmp_path / "eval").exists()


def test_the_preamble_is_that_of_the_released_code():
    text = WRAPPERS["luo2023"]
    assert "provides" + " " * 25 + "further context." in text
    assert text.endswith("\n\n{prompt}\n\n### Response:")
    assert WRAPPERS["luo2023-one-blank"] == " ".join(text.split(" " * 25))


@pytest.mark.parametrize(
    "name", [n for n in LOADERS if n not in KEYS and "test" in LOADERS[n].needed]
)
def test_prompts_in_testing_are_wrapped_as_in_training(name, roads, tmp_path):
    prepare(spec_of(name, roads[name], True, wrapper="luo2023"), tmp_path, roads[name].hub)
    start, end = WRAPPERS["luo2023"].split("{prompt}")
    for file in ("train.jsonl", "dev.jsonl", "test.jsonl"):
        for row in rows(tmp_path / file):
            assert row["prompt"].startswith(start) and row["prompt"].endswith(end)


def test_texts_become_documents(tmp_path):
    table = [{"body": f"text {number}", "other": 1} for number in range(4)]
    path = raw_tables.write_lines(tmp_path / "mine.jsonl", [json.dumps(row) for row in table])
    roads = raw_tables.Roads(tmp_path, {"train": path})
    spec = spec_of("generic", roads, False, columns={"text": "body"})
    prepare(spec, tmp_path / "out", None)
    assert rows(tmp_path / "out" / "train.jsonl")[0] == {"id": "train-0", "text": "text 0"}


def test_a_source_that_is_only_asked_has_a_test_file_alone(tmp_path):
    table = [{"prompt": f"{number}?", "response": f"{number}"} for number in range(4)]
    path = raw_tables.write_lines(tmp_path / "mine.jsonl", [json.dumps(row) for row in table])
    roads = raw_tables.Roads(tmp_path, {"test": path})
    spec = spec_of("generic", roads, False)
    check_beginning(spec, 100)
    prepare(spec, tmp_path / "out", None)
    assert [row["prompt"] for row in rows(tmp_path / "out" / "test.jsonl")] == [
        row["prompt"] for row in table
    ]
    assert not (tmp_path / "out" / "train.jsonl").exists()
    assert (tmp_path / "out" / "eval" / "own_generic.yaml").exists()
    assert first_texts(spec, 100) == []
    held_out = spec_of("generic", roads, False, hold_out={"validation": 1})
    with pytest.raises(UserError, match="hold_out.validation: expected the split train.*test"):
        check_beginning(held_out, 100)
    # With neither split there is nothing to teach or to ask.
    only_dev = spec_of("generic", raw_tables.Roads(tmp_path, {"validation": path}), False)
    with pytest.raises(UserError, match="the split train is missing"):
        check_beginning(only_dev, 100)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("wiki_auto", {"hold_out": {}}, "the split test is missing .found train.*hold_out"),
        ("wiki_auto", {"hold_out": {"test": 30}}, "the split train has no examples: 24 rows read"),
        (
            "wiki_auto",
            {"splits": {"train": "data/*"}},
            "splits.train: expected fetched files that match data/",
        ),
    ],
)
def test_wrong_parameters_are_explained_and_leave_nothing(name, changes, sentence, roads, tmp_path):
    with pytest.raises(UserError, match=sentence):
        prepare(spec_of(name, roads[name], True, **changes), tmp_path, roads[name].hub)
    assert not list(tmp_path.rglob("*.yaml")) and not list(tmp_path.rglob("train.jsonl"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", "no examples: 0 rows read"),
        ("{", "alpaca.json, line 1: not JSON"),
        ('[{"instruction": "", "input": "", "output": ""}]', "left out: 1 instruction or output"),
    ],
)
def test_an_empty_or_broken_file_is_one_sentence(content, sentence, tmp_path):
    path = tmp_path / "alpaca.json"
    path.write_text(content)
    roads = raw_tables.Roads(tmp_path, {"train": path})
    with pytest.raises(UserError, match=sentence) as caught:
        prepare(spec_of("alpaca", roads, False), tmp_path / "out", None)
    assert "sources.alpaca" in str(caught.value) and "\n" not in str(caught.value)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_text_of_blanks_is_left_out_as_an_empty_one_is(name, roads, tmp_path):
    """Each text of the first row of every loader's table becomes blanks, one after another."""
    spec = spec_of(name, roads[name], False)
    loader = LOADERS[name](f"sources.{name}", spec["parameters"])
    parts = local_files(spec["files"], loader.where)["train"]
    first = next(named_rows(loader, "train", parts, spec["parameters"]["columns"]))

    def left(value: str, column: str) -> tuple[int, Counter]:
        dropped: Counter = Counter()
        kept = sum(1 for _ in loader.fields(iter([{**first, column: value}]), dropped))
        return kept, dropped

    for column in first:
        form = loader.forms.get(column)
        is_text = isinstance(first[column], str) and (form is None or form.fits(" "))
        # A number in the original of empathetic_dialogues, and a name in labelled texts.
        if is_text and not column.endswith("_idx") and column not in loader.optional:
            for blank in (" \n\t", "\ufeff", "\u200b\u2060 ", "\u00ad", "\u3164\ufe0f"):
                assert left(blank, column) == left("", column), (column, blank)
            for mark in ("\u200b.", "\u0600", "\u2800"):
                assert left(mark, column)[0] == left(".", column)[0], "it can be seen"


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"traning": "a.json"}, "files.traning: expected a split .train, validation, test"),
        (
            {"train": "a.txt"},
            "expected files of one format .*found a.txt; .* has `loader: text_lines`",
        ),
        ({"train.src": "a.txt"}, "expected train.src and train.dst together"),
        ({"train.simplification_1": "b.json"}, "expected the lists `src` and `tgt`, found text"),
    ],
)
def test_local_files_that_do_not_fit_are_explained(files, sentence, tmp_path):
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.json").write_text('{"text": []}')
    local = {key: tmp_path / name for key, name in files.items()}
    spec = spec_of("wiki_auto", raw_tables.Roads(tmp_path, local), False, hold_out={"test": 1})
    with pytest.raises(UserError, match=sentence):
        prepare(spec, tmp_path / "out", None)


def test_two_files_of_lines_must_be_equally_long(tmp_path):
    local = {
        "train.src": raw_tables.write_lines(tmp_path / "a", ["one", "two"]),
        "train.dst": raw_tables.write_lines(tmp_path / "b", ["one"]),
    }
    spec = spec_of("wiki_auto", raw_tables.Roads(tmp_path, local), False, hold_out={"test": 1})
    with pytest.raises(UserError, match="as many lines in both, one ends before line 2"):
        prepare(spec, tmp_path / "out", None)
