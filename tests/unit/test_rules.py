"""The table of rules: every kind of node once, and the code that makes what a rule makes."""

import subprocess
import sys
from pathlib import Path

import pytest

from lethe import cli
from lethe.artefacts.fingerprint import imported_modules
from lethe.artefacts.paths import FIGURE_STYLE, LUO2023, TASK_YAML, node_manifest
from lethe.artefacts.rules import KINDS, RULES
from lethe.config.reading import read_catalogue, read_study
from lethe.forkserver.preload import GROUP_OF_VERB, GROUPS
from lethe.planning import code as planned
from lethe.planning.code import READ_BY, code_of, way_of
from lethe.planning.plan import make_plan

ROOT = Path(__file__).resolve().parents[2]


def test_every_rule_runs_the_verb_of_its_name_and_is_in_a_group_that_exists():
    assert RULES.keys() <= cli.VERBS.keys()
    assert set(GROUP_OF_VERB.values()) == GROUPS.keys()
    assert {verb for verb, rule in RULES.items() if rule.preload is None} == {"fetch"}


def test_no_two_kinds_of_node_share_a_folder_or_a_manifest():
    assert len({rule.folder for rule in KINDS.values()}) == len(KINDS)
    assert len({rule.manifest for rule in KINDS.values()}) == len(KINDS)


def test_every_node_of_a_study_is_of_a_known_kind_whose_rule_declares_its_manifest():
    study = read_study([ROOT / "config" / "test-nano.yaml"])
    nodes = make_plan(study, read_catalogue(study)).nodes.values()
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    for kind in {node.kind for node in nodes}:
        path = node_manifest("{RESULTS}", kind, "{{node}}")
        assert f'f"{path}"' in text


def test_a_job_reads_the_table_without_importing_anything_of_weight():
    program = (
        "import sys; import lethe.forkserver.client; "
        "print(sorted({'dataclasses', 'inspect', 'pathlib', 'yaml', 'pydantic', 'numpy'}"
        " & set(sys.modules)))"
    )
    # -S: what the environment itself imports at its start, as a package's .pth file may, is no
    # matter of the job's, and changes while packages are installed.
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, cwd=ROOT / "workflow", capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.code])
def test_the_code_of_every_way_of_every_rule_is_there(rule):
    for code in RULES[rule].code.values():
        modules = [name for name in code.modules if "{" not in name]
        assert set(modules) <= set(imported_modules(modules))


@pytest.mark.parametrize(
    ("rule", "spec", "way"),
    [
        ("data", {"source": "world", "seed": 1}, "world"),
        ("data", {"source": "world", "part": "domains"}, "domains"),
        ("data", {"source": "hub", "fetched": "x"}, "prepared"),
        ("data", {"source": "files", "files": {}}, "prepared"),
        ("data", {"source": "real", "packages": []}, "real"),
        ("base", {"architecture": "llama"}, "trained"),
        ("base", {"source": "hub"}, "ready made"),
        ("base", {"source": "package"}, "packaged"),
        ("probe", {"checkpoint": "x"}, "scored"),
        ("probe", {"imported": {}}, "imported"),
        ("stage", {"method": "das"}, ""),
    ],
)
def test_a_spec_says_which_code_makes_its_node(rule, spec, way):
    assert way_of(rule, spec) == way
    assert way in RULES[rule].code


def test_a_stage_counts_the_code_of_its_own_method_and_an_end_task_that_of_its_checkpoint():
    for rule in ("stage", "end_task"):
        plain, das = (code_of(rule, {}, method=method) for method in ("sequential", "das"))
        assert plain != das
    assert code_of("end_task", {}) not in {plain, das}


@pytest.mark.parametrize(
    ("path", "counts", "not_for"),
    [
        (FIGURE_STYLE, [("figure", "fg")], [("table", "fg"), ("summarize", "")]),
        (LUO2023, [("claims", ""), ("table", "published"), ("table", "scoring")],
         [("table", "fg"), ("figure", "fg")]),
        (TASK_YAML, [("probe", "")], [("stage", ""), ("collect", "")]),
    ],
)  # fmt: skip
def test_what_is_not_python_counts_for_those_that_read_it(monkeypatch, path, counts, not_for):
    before = {one: code_of(one[0], {}, name=one[1]) for one in [*counts, *not_for]}
    digest = planned._digest
    monkeypatch.setattr(planned, "_digest", lambda one: "f" * 64 if one == path else digest(one))
    for rule, name in counts:
        assert code_of(rule, {}, name=name) != before[rule, name]
    for rule, name in not_for:
        assert code_of(rule, {}, name=name) == before[rule, name]
    assert path in [one for paths in READ_BY.values() for one in paths]
