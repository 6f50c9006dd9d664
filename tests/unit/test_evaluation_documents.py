"""Rows of evaluation files: each is scored as it stands, or refused with its file and line."""

import csv
import json
import os
import subprocess
import sys

import evaluation_world as world
import lm_eval.utils
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lethe.errors import UserError
from lethe.evaluation.first_documents import check_first_documents
from lethe.evaluation.outcomes import require_columns
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.tasks import build, find
from lethe.evaluation.templates import TEMPLATES

CHOICE = {"question": "which ?", "choices": ["a word", "another"], "answer": 1}
OWN = {"prompt": "say it", "response": "it", "references": ["it"]}
ROLLING = """
task: t
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity}]
"""
GENERATE = """
task: t
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: "{{response}}"
metric_list: [{metric: exact_match}]
"""
LIKELIHOOD = GENERATE.replace("generate_until", "loglikelihood").replace("exact_match", "acc")


def yaml_of(template, name="test.jsonl"):
    if "{name}" in template:
        template = template.format(name="t", length=8)
        template = template.replace("dev: data/t/dev.jsonl, test: data/t/", "test: ")
        template = template.replace("validation_split: dev\n", "")
    return template.replace("test.jsonl", name)


def built(folder, template, rows, shots=0, name="test.jsonl"):
    """lm-eval's task over a file with these rows, given as values or as lines of text."""
    folder.mkdir(exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    if lines:
        (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    (folder / "t.yaml").write_text(yaml_of(template, name))
    return build(find(EvalTask("t", str(folder), shots=shots)))


def test_rows_that_can_be_scored_are_given_to_lm_eval_as_they_are_written(tmp_path):
    written = '{"question": %s, "choices": ["a", "b"], "answer": 0, "n": %s}'
    values = ['"2011-03-07"', '"07:45"', '"00420"', '"TRUE"', '"3e4"']
    numbers = ["2.50", "3e4", "7", "-0", "12345678901234567890123"]
    task = built(
        tmp_path,
        world.CHOICE.replace('"question"', '"{{{{question}}}} {{{{n}}}}"'),
        [written % pair for pair in zip(values, numbers, strict=True)],
    )
    prompts = [task.doc_to_text(doc) for doc in task.eval_docs]
    assert prompts == [f"{json.loads(v)} {n}" for v, n in zip(values, numbers, strict=True)]


FAULTS = {
    "a hidden gold": (world.CHOICE, {"answer": -1}, "from 0 to 1, found -1 .*not published"),
    "a hidden gold, templated": (world.TEMPLATED, {"answer": -1}, "found '-1'"),
    "a gold out of range": (world.CHOICE, {"answer": 2}, "from 0 to 1, found 2"),
    "a gold that is null": (world.CHOICE, {"answer": None}, "column 'answer', found none"),
    "null, templated": (world.TEMPLATED, {"answer": None}, "column 'answer', found none"),
    "a decimal gold": (world.CHOICE, {"answer": 1.0}, "whole number as gold, found 1.0"),
    "a gold of 23 digits": (world.CHOICE, {"answer": 10**22}, "from 0 to 1, found 1000"),
    "a gold of no choice": (
        world.CHOICE,
        {"answer": "an other"},
        "one of the choices .*'an other'",
    ),
    "an empty gold": (world.TEMPLATED, {"answer": ""}, "one of the choices or its index, found ''"),
    "a list of golds": (world.CHOICE, {"answer": [1]}, "golds in every document or in none"),
    "a gold in an object": (world.CHOICE, {"answer": {"a": 1}}, "whole number as gold"),
    "no choices": (world.CHOICE, {"choices": []}, r"expected a list of choices, found \[\]"),
    "choices in a text": (world.CHOICE, {"choices": "a, b"}, "list of choices, found 'a, b'"),
    "choices that are null": (world.CHOICE, {"choices": None}, "column 'choices', found none"),
    "null among choices": (world.CHOICE, {"choices": ["a", None]}, "that are texts, found null"),
    "an empty choice": (world.CHOICE, {"choices": ["", "b"]}, "that are not empty"),
    "one choice": (world.CHOICE, {"choices": ["b"], "answer": 0}, "two choices or more"),
    "equal choices": (world.CHOICE, {"choices": ["b", "b"]}, "different choices, found 'b' twice"),
    "whole numbers as choices": (world.CHOICE, {"choices": [4, 5]}, "texts, found 4; put it in"),
    "numbers, templated": (world.TEMPLATED, {"choices": [4, 5]}, "that are texts, found 4"),
    "no prompt": (world.CHOICE, {"question": None}, "column 'question', found none"),
    "no prompt, templated": (world.TEMPLATED, {"question": None}, "column 'question', found none"),
    "a prompt of digits": (world.TEMPLATED, {"question": "1984"}, "digits alone for the index"),
    "a prompt that is a number": (world.CHOICE, {"question": 5}, "prompt that is text, found 5"),
    "an own prompt that is null": (world.OWN, {"prompt": None}, "column 'prompt', found none"),
    "an own prompt that is a number": (world.OWN, {"prompt": 5}, "prompt that is text, found 5"),
    "an own response that is null": (
        world.OWN,
        {"response": None},
        "column 'response', found none",
    ),
    "an answer that is null": (GENERATE, {"response": None}, "column 'response', found none"),
    "an answer that is a list": (GENERATE, {"response": ["a"]}, "in every document or in none"),
    "a filtered null": (
        GENERATE.replace("{{prompt}}", "{{prompt|trim}} :"),
        {"prompt": None},
        "column 'prompt', found none",
    ),
    "an answer that is empty": (LIKELIHOOD, {"response": ""}, "text to score, found an empty one"),
    "a document that is empty": (ROLLING, {"text": ""}, "text to score, found an empty one"),
    "a document that is null": (ROLLING, {"text": None}, "column 'text', found none"),
}


def good_row(template):
    return CHOICE if "multiple_choice" in template else {**OWN, "text": "a text"}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("first", [True, False], ids=["in the first row", "in a later row"])
def test_a_row_that_cannot_be_scored_is_named_by_file_and_line(tmp_path, name, first):
    template, change, sentence = FAULTS[name]
    good = good_row(template)
    rows = [good, {**good, **change}, good]
    if first and "every document" not in sentence and "digits alone" not in sentence:
        rows = rows[1:]
    line = len(rows) - 1
    with pytest.raises(UserError, match=f"{tmp_path}/test.jsonl, line {line}: .*{sentence}"):
        built(tmp_path, template, rows)


def test_a_key_that_a_row_lacks_is_no_value(tmp_path):
    for template in (world.CHOICE, world.TEMPLATED):
        rows = [CHOICE, {key: CHOICE[key] for key in ("choices", "answer")}]
        with pytest.raises(UserError, match="line 2: expected a value in the column 'question'"):
            built(tmp_path, template, rows)


def test_a_prompt_whose_column_no_row_has_is_refused(tmp_path):
    rows = [{"prompt": "a", "choices": ["a", "b"], "answer": 0}]
    with pytest.raises(UserError, match="`doc_to_text` expected the column 'question', found prom"):
        built(tmp_path, world.CHOICE, rows)
    with pytest.raises(UserError, match="line 1: .*'question' is undefined"):
        built(tmp_path, world.TEMPLATED, rows)
    with pytest.raises(UserError, match="`doc_to_target` expected the column 'response'"):
        built(tmp_path, world.OWN, [{"prompt": "a", "answer": "b"}])


def test_a_value_that_is_null_and_not_printed_is_right(tmp_path):
    template = GENERATE.replace("{{prompt}}", "{% if hint %}{{hint}} {% endif %}{{prompt}}")
    task = built(tmp_path, template, [{**OWN, "hint": None}, {**OWN, "hint": "so"}])
    assert [task.doc_to_text(doc) for doc in task.eval_docs] == ["say it", "so say it"]


@pytest.mark.parametrize("gold", [1, "another", True, [1]], ids=str)
def test_golds_of_every_right_kind_are_right(tmp_path, gold):
    task = built(tmp_path, world.CHOICE, [{**CHOICE, "answer": gold}] * 2)
    assert len(task.eval_docs) == 2


def test_the_number_of_wrong_documents_is_said(tmp_path):
    rows = [CHOICE, *[{**CHOICE, "answer": -1}] * 3]
    with pytest.raises(UserError, match=r"line 2: .*\(2 more documents cannot be scored\)"):
        built(tmp_path, world.CHOICE, rows)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "expected rows, found an empty file"),
        ("\n\n", "holds no rows"),
        ('{"question": "a", "question": "b"}\n', "line 1: .*'question' occurs twice"),
        ('{"question": NaN}\n', "line 1: .*NaN"),
        ('["a"]\n', "line 1: expected a JSON object"),
        ('{"question": "\\ud800"}\n', "line 1: .*half a character"),
    ],
)
def test_a_file_that_is_no_file_of_rows_is_refused(tmp_path, content, sentence):
    (tmp_path / "test.jsonl").write_text(content)
    with pytest.raises(UserError, match=f"{tmp_path}/test.jsonl.*{sentence}"):
        built(tmp_path, world.CHOICE, [])


def test_examples_before_a_question_are_looked_at_as_well(tmp_path):
    template = yaml_of(world.CHOICE).replace("{test:", "{train: train.jsonl, test:")
    template = template.replace("test_split: test", "test_split: test\ntraining_split: train")
    (tmp_path / "train.jsonl").write_text(json.dumps({**CHOICE, "answer": -1}) + "\n")
    with pytest.raises(UserError, match="train.jsonl, line 1: .*found -1"):
        built(tmp_path, template, [CHOICE], shots=1)
    assert built(tmp_path, template, [CHOICE], shots=0)


ROWS = [
    {"question": "007", "price": "2.50", "first": "a", "second": "b", "answer": "1"},
    {"question": "2011-03-07", "price": "3", "first": "TRUE", "second": "NA", "answer": "0"},
]
TABLE = """
task: t
dataset_path: {kind}
dataset_kwargs: {{data_files: {{test: {name}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}} {{{{price}}}} ?"
doc_to_choice: "{{{{[first, second]}}}}"
doc_to_target: answer
metric_list: [{{metric: acc}}]
"""


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet", "a.json"])
def test_tables_of_a_users_task_are_asked_as_they_are_written(tmp_path, name):
    rows = [{**row, "answer": int(row["answer"])} for row in ROWS]
    if name.endswith("sv"):
        with open(tmp_path / name, "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if "tsv" in name else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif name.endswith("json"):
        (tmp_path / name).write_text(json.dumps(rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    kind = {"tsv": "csv"}.get(name[2:], name[2:])
    (tmp_path / "t.yaml").write_text(TABLE.format(kind=kind, name=name))
    task = build(find(EvalTask("t", str(tmp_path))))
    docs = task.eval_docs
    assert [task.doc_to_text(doc) for doc in docs] == ["007 2.50 ?", "2011-03-07 3 ?"]
    assert [task.doc_to_choice(doc) for doc in docs] == [["a", "b"], ["TRUE", "NA"]]
    assert [task.doc_to_target(doc) for doc in docs] == [1, 0]


def test_files_of_one_split_are_read_one_after_another(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({**CHOICE, "question": name}) + "\n")
    text = yaml_of(world.CHOICE).replace("test: test.jsonl", "test: [a.jsonl, b.jsonl]")
    (tmp_path / "t.yaml").write_text(text)
    task = build(find(EvalTask("t", str(tmp_path))))
    assert [doc["question"] for doc in task.eval_docs] == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["1", "2.5"], "whole and decimal numbers"),
        (["2.50"], "2.50, which a table would show as 2.5"),
        (['"a"', "1"], "several, as text and numbers"),
        (["1" * 23], "a number too large for a table"),
    ],
)
def test_a_tasks_own_function_gets_no_column_that_a_data_set_would_change(
    tmp_path, values, sentence
):
    (tmp_path / "code.py").write_text("def same(docs):\n    return docs\n")
    template = world.CHOICE + "process_docs: !function code.same\n"
    with pytest.raises(UserError, match=f"test.jsonl: expected values of one kind.*{sentence}"):
        built(tmp_path, template, [json.dumps(CHOICE)[:-1] + f', "n": {v}}}' for v in values])


def test_misspelt_columns_of_clusters_and_subsets_are_found_before_scoring(tmp_path):
    docs = built(tmp_path, world.CHOICE, [CHOICE]).eval_docs
    for key in ("cluster", "subset"):
        task = EvalTask("t", str(tmp_path), **{key: "subjct"})
        with pytest.raises(UserError, match=f"as `{key}`, found 'subjct'; they have: answer"):
            require_columns(task, docs)
    task = EvalTask("t", str(tmp_path), subset="kind")
    with pytest.raises(UserError, match="document 2 has no value in its column 'kind'"):
        require_columns(task, [{"kind": "a"}, {"kind": None}])


def looked_at(folder, template, rows, **settings):
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "t.yaml").write_text(yaml_of(template))
    check_first_documents([EvalTask("t", str(folder), **settings)])


@pytest.mark.parametrize("name", FAULTS)
def test_a_check_finds_what_the_evaluation_finds_in_the_first_rows(tmp_path, name):
    template, change, sentence = FAULTS[name]
    good = good_row(template)
    with pytest.raises(UserError, match=f"{tmp_path}/test.jsonl, line 2: .*{sentence}"):
        looked_at(tmp_path, template, [good, {**good, **change}])
    looked_at(tmp_path, template, [good] * 150 + [{**good, **change}])


@pytest.mark.parametrize("key", ["cluster", "subset"])
def test_a_check_finds_misspelt_columns_of_clusters_and_subsets(tmp_path, key):
    looked_at(tmp_path, world.CHOICE, [{**CHOICE, "kind": "a"}], **{key: "kind"})
    with pytest.raises(UserError, match=f"as `{key}`, found 'kin'; they have"):
        looked_at(tmp_path, world.CHOICE, [{**CHOICE, "kind": "a"}], **{key: "kin"})


def test_a_check_leaves_to_the_evaluation_what_only_a_function_knows(tmp_path):
    for key in ("process_docs", "doc_to_text"):
        template = f"{world.CHOICE}{key}: !function code.of\n"
        looked_at(tmp_path, template, [{"anything": 1}], subset="made_by_it")


def test_a_check_reads_a_yaml_with_what_it_includes(tmp_path):
    (tmp_path / "shared_yaml").write_text(yaml_of(world.CHOICE).replace("task: t\n", ""))
    (tmp_path / "t.yaml").write_text("task: t\ninclude: shared_yaml\n")
    (tmp_path / "test.jsonl").write_text(json.dumps({**CHOICE, "answer": -1}) + "\n")
    with pytest.raises(UserError, match="line 1: .*found -1"):
        check_first_documents([EvalTask("t", str(tmp_path))])


def test_a_checks_templates_are_those_of_lm_eval():
    theirs = lm_eval.utils.env
    assert TEMPLATES.filters.keys() == theirs.filters.keys()
    settings = ("undefined", "keep_trailing_newline", "trim_blocks", "lstrip_blocks", "autoescape")
    settings += ("variable_start_string", "block_start_string", "newline_sequence", "finalize")
    assert [getattr(TEMPLATES, name) for name in settings] == [
        getattr(theirs, name) for name in settings
    ]
    template = "{{ text | regex_replace('a+', 'b', 1) }}\n"
    values = [e.from_string(template).render(text="caat aa") for e in (TEMPLATES, theirs)]
    assert values == ["cbt aa\n"] * 2


def test_a_check_of_documents_imports_nothing_heavy():
    code = "import sys, lethe.config.reading, lethe.evaluation.first_documents as f; "
    code += "sys.exit(bool({'torch', 'lm_eval', 'datasets', 'pyarrow'} & sys.modules.keys()))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
