"""What was asked, read from the samples that lm-eval logs."""

import json
import random

import pytest
from result_files import choice_sample, result, study, write, write_samples

from lethe.commands.questions import write_texts
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.imported.asked import arguments_of, finder, gold_of, texts_of
from lethe.imported.items import doc_hash, items_of_samples, read_samples
from lethe.imported.result_file import read_result_file, sample_file
from lethe.imported.scores import result_of_file
from lethe.longtables.questions import question_nodes, read_questions
from lethe.planning.plan import make_plan
from lethe.questions.changes import changed_items

ASKED = {"axis": "a", "metric": "acc", "chance": 0.25, "shots": 0, "cluster": "cluster"}
ASKED |= {"subset": None, "digest": "none"}


def sample(number: int, **changes) -> dict:
    asked = {f"gen_args_{k}": {"arg_0": f"Q{number}?", "arg_1": f" {k}"} for k in range(2)}
    name = f"{number:016x}".ljust(64, "0")
    return choice_sample(number, True) | {"arguments": asked, "doc_hash": name} | changes


def items(samples: list[dict]) -> list[dict]:
    names = {("acc", "none"): "acc"}
    return items_of_samples(samples, ASKED, "acc", "none", names, finder({}))


def test_the_order_of_samples_changes_no_item_and_a_missing_one_is_missing():
    before = [sample(number) for number in range(9)]
    wrong = {"acc": 0.0, "filtered_resps": [["-4.0", "False"], ["-3.5", "False"]]}
    after = [sample(number, **(wrong if number == 4 else {})) for number in range(8)]
    random.Random(0).shuffle(after)
    found = changed_items(items(before), items(after))
    assert len(found) == 8 and [change.kind for change in found].count("lost") == 1
    assert (found[0].question.text, found[0].before.text, found[0].after.text) == ("Q4?", "0", "1")


def test_documents_have_the_same_name_with_lm_evals_digest_and_without():
    doc = {"question": "é 数 \u2028", "n": 1, "list": [1.5, None]}
    from lm_eval.utils import handle_non_serializable, hash_string

    text = json.dumps(doc, indent=2, default=handle_non_serializable, ensure_ascii=False)
    assert doc_hash(doc) == hash_string(text)
    named = sample(0, doc=doc, doc_hash=hash_string(text))
    bare = {key: value for key, value in named.items() if key != "doc_hash"}
    assert items([named])[0]["item_id"] == items([bare])[0]["item_id"]


PAIRS = [("Q?", " yes"), ("Q?", " no"), ("Q?", " maybe")]


@pytest.mark.parametrize(
    ("target", "gold"),
    [("1", (1,)), (1, (1,)), ("[0, 2]", (0, 2)), (" maybe", (2,)), ("7", ()), ("", ()),
     (None, ()), ("[0, 9]", ()), (True, ()), ("other", ())],
)  # fmt: skip
def test_a_target_is_a_place_a_list_or_the_text_of_a_choice(target, gold):
    assert gold_of({"target": target}, PAIRS, [-1.0, -2.0, -3.0]) == gold


def test_of_two_contexts_the_value_tells_which_is_right():
    pairs = [("the cat sat since it", " fits"), ("the mat sat since it", " fits")]
    made = {"target": "fits", "doc": {}}
    assert gold_of(made | {"acc": 1.0}, pairs, [-1.0, -2.0]) == (0,)
    assert gold_of(made | {"acc": 0.0}, pairs, [-1.0, -2.0]) == (1,)
    assert gold_of(made, pairs, [-1.0, -2.0]) == ()
    texts = texts_of(made, pairs, (1,), finder({}))
    assert texts["choices"] == ["cat sat since it", "mat sat since it"]
    assert texts["question"] == "the … fits"


def test_choices_that_are_also_scored_without_context_are_counted_once():
    logged = {"arguments": [[*pair] for pair in PAIRS] + [["", after] for _, after in PAIRS]}
    assert arguments_of(logged) == PAIRS
    # Several choices without any context are not such a repetition.
    alone = {"arguments": [["", " yes"], ["", " no"]]}
    assert arguments_of(alone) == [("", " yes"), ("", " no")]


@pytest.mark.parametrize("value", [None, 3, "text", [3], [["alone"]], {"gen_args_0": {}}, [[1, 2]]])
def test_arguments_of_any_form_are_read_or_left(value):
    assert all(len(pair) == 2 for pair in arguments_of({"arguments": value}))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("question", "Long\n\nquestion?"),
        ("{{question}}", "Long\n\nquestion?"),
        ("{% if 1 %}{{question}}{% endif %}", "question?"),
        ("{{ question.strip() }}", "question?"),
        ("def doc_to_text(doc): ...", "question?"),
        (None, "question?"),
        (3, "question?"),
    ],
)
def test_the_question_is_found_behind_examples_and_nothing_of_a_file_is_computed(written, expected):
    find = finder({"doc_to_text": written, "num_fewshot": 1})
    context = "An example? yes\n\nLong\n\nquestion?"
    assert find({"question": "Long\n\nquestion?"}, context) == expected
    assert finder({"doc_to_text": written})({}, context) == context


def test_texts_are_only_in_the_items_that_ask_for_them(tmp_path):
    file = write(tmp_path, result({"know": 1.0}))
    write_samples(tmp_path, "know", [sample(number) for number in range(12)])
    found = read_result_file(file, "x")
    sampled = {"know": {"path": str(sample_file(found.path, "know"))}}
    task = {**ASKED, "name": "know"}
    assert "question" not in result_of_file(task, found, sampled)["items"][0]
    (first, *_) = result_of_file(task, found, sampled, texts=True)["items"]
    assert first["question"] == "Q0?" and first["choices"] == ["0", "1"] and first["gold"] == [0]


def test_a_chain_of_result_files_keeps_the_texts_of_all_its_samples_once(tmp_path):
    stages = []
    for index, name in enumerate(("base", "one")):
        samples = [sample(number) for number in range(index, 12)][:: 1 - 2 * index]
        file = write(tmp_path / name, result({"know": 0.5 + index / 4, "bare": 0.5}))
        write_samples(tmp_path / name, "know", samples)
        stages.append([file])
    tasks = {
        name: {"axis": "knowledge", "metric": "acc", "chance": 0.5} for name in ("know", "bare")
    }
    chosen = parse_study(merge(read_yaml(DEFAULT), study(stages, tasks)))
    plan = make_plan(chosen, read_catalogue(chosen))
    specs = [node.spec for node in plan.of_kind("probe")]
    assert len(specs) == 2 and question_nodes(specs) == []
    (path,) = write_texts(specs, tmp_path, tmp_path / "questions")
    assert path.name == "know.jsonl"
    found = list(read_questions(path))
    assert [question.text for question in found] == [f"Q{number}?" for number in range(12)]
    assert {question.gold for question in found} == {(0,)}


def test_a_set_whose_documents_are_gone_is_reported_and_the_others_are_kept(tmp_path, capsys):
    task = {"name": "lost", "data": "world-1-0", "data_kind": "data", "shots": 0}
    assert write_texts([{"tasks": [task]}], tmp_path, tmp_path / "questions") == []
    assert "lost: its texts are not kept: " in capsys.readouterr().out


def test_a_choice_that_is_impossible_leaves_the_answer_and_what_has_a_number():
    def answer(*logprobs: float, target: str = "0") -> dict:
        responses = [[str(value), "False"] for value in logprobs]
        found = items([sample(1, filtered_resps=responses, target=target)])[0]
        return {name: found[name] for name in ("predicted", "gold_logprob", "margin")}

    inf = float("inf")
    assert answer(-1, -inf) == {"predicted": "0", "gold_logprob": -1, "margin": None}
    assert answer(-inf, -1) == {"predicted": "1", "gold_logprob": None, "margin": None}
    assert answer(-inf, -inf) == {"predicted": "0", "gold_logprob": None, "margin": None}
    # Not a number is no answer.
    assert answer(float("nan"), -1)["predicted"] == ""


def test_half_a_character_of_a_cut_text_is_a_mark_that_files_can_hold(tmp_path):
    path = tmp_path / "samples.jsonl"
    made = sample(
        1, filtered_resps=["a\ud83d", "\ude00b", "\ud83d\ude00"], doc={"\ud800": ["\ud800x"]}
    )
    path.write_text(json.dumps(made) + "\n")
    (found,) = read_samples(path)
    assert found["filtered_resps"] == ["a?", "?b", "\U0001f600"]
    assert found["doc"] == {"?": ["?x"]}
    assert {**found, "doc": 0, "filtered_resps": 0} == {**made, "doc": 0, "filtered_resps": 0}
