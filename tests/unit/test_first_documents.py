"""The first rows of a user's own tasks, as a check looks at them without lm-eval."""

import json
import os
import subprocess
import sys

import evaluation_world as world
import lm_eval.utils
import pytest
from document_case import CHOICE, FAULTS, good_row, yaml_of

from lethe.errors import UserError
from lethe.evaluation.declared import declared
from lethe.evaluation.first_documents import check_first_documents
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.templates import TEMPLATES


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


def test_a_yaml_that_includes_what_is_not_there_is_a_sentence(tmp_path):
    """lm-eval leaves the task out without a word, and would later say that there is none."""
    (tmp_path / "t.yaml").write_text("task: t\ninclude: gone_yaml\n")
    with pytest.raises(UserError, match="t.yaml: it includes gone_yaml, which is not there"):
        declared("t", str(tmp_path))
