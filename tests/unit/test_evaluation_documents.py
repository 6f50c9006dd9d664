"""Rows of evaluation files: each is scored as it stands, or refused with its file and line."""

import csv
import json

import evaluation_world as world
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from document_case import CHOICE, FAULTS, GENERATE, OWN, good_row, yaml_of

from lethe.errors import UserError
from lethe.evaluation import templates
from lethe.evaluation.outcomes import gold_indices, require_columns
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.tasks import build, find


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


def test_a_template_is_compiled_once_for_all_documents_without_a_value(monkeypatch):
    compiled, compile_one = [], templates.STRICT.from_string

    def counted(source):
        compiled.append(source)
        return compile_one(source)

    monkeypatch.setattr(templates.STRICT, "from_string", counted)
    template = "{{ asked }} for {{ shown | trim }}, compiled once"
    for number in range(5):
        row = {"asked": str(number), "shown": "x", "other": None}
        templates.refuse_no_value(template, row, ())
    for absent in ("asked", "shown"):
        with pytest.raises(templates.NoValue, match=f"the column '{absent}', found none"):
            templates.refuse_no_value(template, {**row, absent: None}, ())
    assert compiled == [template]


DESCRIBED = """---
configs:
- config_name: default
  data_files: [{split: test, path: "test*"}]
---
"""


def published(folder, name, content, readme=True):
    """lm-eval's task over a fetched data set of one file."""
    (folder / "hub").mkdir()
    (folder / "hub" / name).write_text(content)
    if readme:
        (folder / "hub" / "README.md").write_text(DESCRIBED)
    text = yaml_of(world.TEMPLATED).replace("dataset_path: json", "dataset_path: someone/somewhere")
    (folder / "t.yaml").write_text(text.replace('"{{choices}}"', '"{{[first, second]}}"'))
    return build(find(EvalTask("t", str(folder), dataset_path=str(folder / "hub"))))


@pytest.mark.parametrize("readme", [True, False], ids=["described", "found by name"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_texts_of_the_hub_are_asked_as_they_are_written(tmp_path, ending, readme):
    lines = {
        "csv": "question,first,second,answer\n2011-03-07,00420,TRUE,1\n2011-03-08,2.50,NA,0\n",
        "jsonl": '{"question": "2011-03-07", "first": "00420", "second": "TRUE", "answer": 1}\n'
        '{"question": "2011-03-08", "first": "2.50", "second": "NA", "answer": 0}\n',
    }
    task = published(tmp_path, f"test.{ending}", lines[ending], readme)
    docs = list(task.eval_docs)
    assert [task.doc_to_text(doc) for doc in docs] == ["2011-03-07", "2011-03-08"]
    assert [task.doc_to_choice(doc) for doc in docs] == [["00420", "TRUE"], ["2.50", "NA"]]
    assert [task.doc_to_target(doc) for doc in docs] == [1, 0]


def test_published_choices_that_are_equal_or_empty_are_scored_and_counted(tmp_path, capsys):
    content = "question,first,second,answer\na,b,b,0\na,,b,1\na,b,c,0\n"
    assert len(published(tmp_path, "test.csv", content).eval_docs) == 3
    said = capsys.readouterr().err
    assert "row 1: expected different choices, found 'b' twice; 2 such documents" in said


def test_published_golds_that_are_hidden_are_refused(tmp_path):
    content = "question,first,second,answer\na,b,c,-1\na,b,c,\n"
    with pytest.raises(UserError, match=r"row 1: .*found '-1' \(1 more documents cannot be scored"):
        published(tmp_path, "test.csv", content)


def test_a_text_of_digits_is_not_taken_for_the_index_of_another_choice(tmp_path):
    """lm-eval counts with digits that a template writes: the text 2 of 1, 2, 3 would mean 3."""
    row = {"question": "1 + 1 =", "choices": ["1", "2", "3"], "answer": "2"}
    with pytest.raises(UserError, match="line 1: its gold '2' is the text of one choice"):
        built(tmp_path, world.TEMPLATED, [row])
    for template, answer in ((world.TEMPLATED, 1), (world.CHOICE, "2"), (world.CHOICE, 1)):
        task = built(tmp_path, template, [{**row, "answer": answer}])
        assert gold_indices(task, task.eval_docs[0], row["choices"]) == [1]
    index = {"question": "1 + 1 =", "choices": ["one", "two", "three"], "answer": "1"}
    assert built(tmp_path, world.TEMPLATED, [index]).doc_to_target(index) == 1


def test_an_answer_that_looks_like_a_list_is_no_list_of_answers(tmp_path):
    row = {"prompt": "sort 2, 1", "response": "[1, 2]"}
    with pytest.raises(UserError, match=r"line 1: its answer '\[1, 2\]' is text, which a template"):
        built(tmp_path, GENERATE, [row])
    task = built(tmp_path, GENERATE.replace('"{{response}}"', "response"), [row])
    assert task.doc_to_target(row) == "[1, 2]"
    several = {**row, "response": ["[1, 2]", "1, 2"]}
    assert built(tmp_path, GENERATE, [several]).doc_to_target(several) == several["response"]
