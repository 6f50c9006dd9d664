"""Few-shot examples: every one has its answer, none is the question itself, none is missing."""

import json

import pytest
from document_case import CHOICE, GENERATE

from lethe.errors import UserError
from lethe.evaluation.first_documents import check_first_documents
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.tasks import build, find

CHOICES = """
task: t
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc}]
"""


def built(folder, template, rows, shots, train=(), is_checked=False):
    for name, found in (("test", rows), ("train", train)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    if train:
        template = template.replace("test.jsonl}", "test.jsonl, train: train.jsonl}")
        template += "training_split: train\n"
    (folder / "t.yaml").write_text(template)
    task = EvalTask("t", str(folder), shots=shots)
    if is_checked:
        check_first_documents([task])
        return None
    return build(find(task))


def questions(count):
    return [{**CHOICE, "question": f"number {n} ?"} for n in range(count)]


def test_a_question_is_no_example_of_itself(tmp_path):
    """lm-eval draws examples from the only split without leaving the question out."""
    task = built(tmp_path, CHOICES, questions(4), shots=3)
    for doc in task.eval_docs:
        *examples, asked = task.fewshot_context(doc, 3).split("\n\n")
        assert asked == doc["question"] and len(set(examples)) == 3
        assert f"{asked} another" not in examples


@pytest.mark.parametrize("is_checked", [True, False], ids=["at check", "in evaluation"])
def test_more_examples_than_there_are_is_one_sentence(tmp_path, is_checked):
    with pytest.raises(UserError, match="t: expected 5 documents or more .*, found 4; ask for"):
        built(tmp_path, CHOICES, questions(9), 5, questions(4), is_checked)
    built(tmp_path, CHOICES, questions(9), 4, questions(4), is_checked)
    with pytest.raises(UserError, match="expected 4 .*the question itself aside, found 3"):
        built(tmp_path, CHOICES, questions(4), 4, is_checked=is_checked)
    built(tmp_path, CHOICES, questions(150), 120, is_checked=is_checked)


def test_an_example_with_several_golds_is_named_by_its_line(tmp_path):
    several = [{**CHOICE, "answer": [0, 1]}] * 3
    for is_checked in (True, False):
        with pytest.raises(UserError, match=r"train.jsonl, line 1: .*one text.*found \[0, 1\]"):
            built(tmp_path, CHOICES, questions(2), 2, several, is_checked)
    texts = [{**CHOICE, "answer": ["another", "a word"]}] * 3
    task = built(tmp_path, CHOICES, questions(2), 1, texts)
    assert task.fewshot_context(task.eval_docs[0], 1).startswith("which ? another\n\n")


def test_an_example_without_an_answer_is_refused(tmp_path):
    """lm-eval would leave out what stands between it and the next example, too."""
    rows = [{"prompt": "say it", "response": "it"}] * 3
    with pytest.raises(UserError, match="train.jsonl, line 2: expected an answer, .* empty one"):
        built(tmp_path, GENERATE, rows, 1, [rows[0], {**rows[0], "response": ""}])
