"""Single items: their texts, and what became of them from one checkpoint to another."""

from dataclasses import replace

import evaluation_world as world
import pandas as pd
import pytest

from lethe.commands.evaluate import evaluate
from lethe.errors import UserError
from lethe.evaluation.questions import questions, with_questions
from lethe.evaluation.specification import EvalTask
from lethe.longtables.questions import Question, read_questions, write_questions
from lethe.questions.changes import ANSWERED, changed_items, paired

TASKS = {
    "know": (world.CHOICE, world.choice_rows),
    "pairs": (world.BIAS, world.pair_rows),
    "own": (world.OWN, world.own_rows),
}
CONTEXTS = world.CHOICE.replace('"question"', '"answer"').replace(
    'doc_to_target: "answer"', 'doc_to_target: "question"'
)
GROUP = "group: both\ntask: [know, again]\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A checkpoint and tasks; two documents of `know` are equal, and `again` asks some of them."""
    folder = tmp_path_factory.mktemp("questions")
    world.write_checkpoint(folder / "checkpoint")
    for name, (template, rows) in TASKS.items():
        world.write_task(folder / "eval", name, template, rows, length=8)
    know = world.choice_rows(1, 12)
    world.write_task(folder / "eval", "know", world.CHOICE, lambda *_: [*know, know[3]])
    world.write_task(folder / "eval", "again", world.CHOICE, lambda *_: know[:4])
    world.write_task(folder / "eval", "contexts", CONTEXTS, lambda *_: know[:4])
    (folder / "eval" / "both.yaml").write_text(GROUP)
    return folder


def task(place, name: str, **changes) -> EvalTask:
    return replace(EvalTask(name, str(place / "eval")), **changes)


@pytest.mark.parametrize("name", ["know", "pairs", "own", "both", "contexts"])
def test_questions_have_the_ids_of_the_items_that_are_scored(place, name):
    (result,) = evaluate(place / "checkpoint", [name], str(place / "eval"))
    asked = list(questions(task(place, name)))
    assert [item["item_id"] for item in result["items"]] == [one.item_id for one in asked]


def test_a_question_has_its_documents_texts_and_the_answers_of_the_model_fit_them(place):
    (result,) = evaluate(place / "checkpoint", ["know"], str(place / "eval"))
    rows = world.choice_rows(1, 12)
    for item, row in zip(with_questions(task(place, "know"), result)["items"], rows, strict=False):
        assert item["question"] == row["question"] and item["choices"] == row["choices"]
        assert item["gold"] == [row["answer"]]
        assert item["correct"] == (int(item["predicted"]) in item["gold"])


def test_generated_answers_have_the_reference_and_no_choices(place):
    first = next(questions(task(place, "own")))
    row = world.own_rows(sum(map(ord, "own")), 12)[0]
    assert (first.text, first.answers) == (row["prompt"], (row["response"],))
    assert not first.choices and not first.gold


def test_choices_that_are_contexts_are_followed_by_the_target(place):
    first = next(questions(task(place, "contexts")))
    row = world.choice_rows(1, 12)[0]
    assert first.text == row["question"] and first.choices == tuple(row["choices"])
    assert first.gold == (row["answer"],)


def test_a_limit_takes_the_first_documents_of_every_task(place):
    assert len(list(questions(task(place, "both", limit=3)))) == 6


HOSTILE = "<script>alert(1)</script>|\n\r\x1b[2J\u202e\u2028 \"quoted\" 'é' 数"


def test_texts_come_back_as_they_were_and_lines_hold_nothing_that_breaks_them(tmp_path):
    asked = [Question("a", HOSTILE, (HOSTILE, "2"), (1,)), Question("b", "", answers=(HOSTILE,))]
    path = tmp_path / "set.jsonl"
    assert write_questions(path, [*asked, asked[0]]) == 2
    assert list(read_questions(path)) == asked
    assert list(read_questions(path, {"b"})) == asked[1:]
    text = path.read_bytes()
    assert text.count(b"\n") == 2 and all(32 <= byte < 127 or byte == 10 for byte in text)
    again = tmp_path / "again.jsonl"
    write_questions(again, asked)
    assert again.read_bytes() == text


def test_a_file_of_other_rows_is_refused_with_its_line(tmp_path):
    path = tmp_path / "set.jsonl"
    write_questions(path, [Question("a", "x")])
    path.write_text(path.read_text() + '{"item_id": "b"}\n')
    with pytest.raises(UserError, match="line 2: expected the fields item_id, question"):
        list(read_questions(path))


def items(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["item_id", *ANSWERED])


BEFORE = items(
    ("a", 1.0, 2.0, -1.0, "0"), ("b", 1.0, 0.5, -1.0, "1"), ("c", 0.0, -1.0, -3.0, "1"),
    ("d", 0.0, -2.0, -3.0, "2"), ("e", 1.0, 3.0, -1.0, "0"), ("f", 1.0, 0.2, -1.0, "1"),
)  # fmt: skip
AFTER = items(
    ("f", 0.0, -4.0, -1.0, "0"), ("e", 1.0, 1.0, -1.0, "0"), ("d", 0.0, -2.5, -3.0, "2"),
    ("c", 1.0, 1.0, -3.0, "0"), ("b", 0.0, -0.1, -1.0, "0"), ("a", 1.0, 2.0, -1.0, "0"),
    ("new", 1.0, 2.0, -1.0, "0"),
)  # fmt: skip


def test_the_worst_losses_come_first_and_only_common_items_are_compared():
    rows = paired(BEFORE, AFTER)
    assert list(rows.index) == ["f", "b", "c", "d", "e", "a"]
    assert list(rows["kind"]) == ["lost", "lost", "regained", "never known", "kept", "kept"]
    assert rows["drop"].round(6).tolist() == [4.2, 0.6, -2.0, 0.5, 2.0, 0.0]


def test_the_order_of_items_changes_nothing():
    shuffled = AFTER.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(paired(BEFORE, AFTER), paired(BEFORE, shuffled))


def test_an_item_that_occurs_twice_is_refused():
    with pytest.raises(UserError, match="a occurs twice"):
        paired(pd.concat([BEFORE, BEFORE[:1]]), AFTER)


def test_items_that_are_graded_get_worse_or_better():
    before = items(
        ("a", 0.5, None, None, "x"), ("b", 0.2, None, None, "y"), ("c", 1.0, None, None, "")
    )
    after = items(
        ("a", 0.1, None, None, "z"), ("b", 0.3, None, None, ""), ("c", 1.0, None, None, "")
    )
    rows = paired(before, after)
    assert list(rows["kind"]) == ["worse", "better", "equal"]
    assert list(rows.index) == ["a", "b", "c"]


def test_results_with_texts_give_rows_with_the_chosen_texts():
    def result(predicted: int) -> list[dict]:
        logprobs = {
            "correct": float(predicted == 1),
            "margin": predicted - 0.5,
            "gold_logprob": -1.0,
        }
        texts = {"question": "q", "choices": ["no", "yes"], "gold": [1], "answers": []}
        return [{"item_id": "a", "predicted": str(predicted), **logprobs, **texts}]

    (change,) = changed_items(result(1), result(0))
    assert (change.kind, change.before.text, change.after.text) == ("lost", "yes", "no")
    assert change.question == Question("a", "q", ("no", "yes"), (1,))
    bare = [
        {"item_id": "a", "predicted": "2", "correct": 0.0, "margin": -1.0, "gold_logprob": -1.0}
    ]
    (change,) = changed_items(bare, bare)
    assert (change.question, change.before.text, change.before.choice) == (None, "", 2)
