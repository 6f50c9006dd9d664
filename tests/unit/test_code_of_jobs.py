"""A job never passes for one of other code: what it was told is held against the code that runs."""

from pathlib import Path

import pytest

from lethe.artefacts.nodes import ANY_CODE
from lethe.cli import main
from lethe.commands.arguments import code_to_record
from lethe.config.reading import read_catalogue, read_study
from lethe.errors import UserError
from lethe.planning.plan import make_plan
from lethe.planning.records import write_specs

NANO = Path(__file__).resolve().parents[2] / "config" / "test-nano.yaml"
LONG = ["--scores", "scores.csv", "--metrics", "metrics.csv"]
OF_STUDY = {
    "collect": ["record.json", *LONG[:2], "--items", "items", "--stages", "stages.csv"],
    "summarize": [*LONG[:2], "--items", "items", "--out", "metrics.csv"],
    "questions": ["record.json", *LONG[:2], "--items", "items", "--out", "questions"],
    "report": ["results/studies/none"],
    "claims": [*LONG, "--claims", "claims.json", "--out", "claims"],
}


def refused(capsys, *arguments: str) -> bool:
    status = main([*arguments, "--code", "0" * 64])
    return status == 2 and "than when this job was planned" in capsys.readouterr().err


def test_a_job_whose_code_has_changed_since_it_was_planned_makes_no_node(tmp_path, capsys):
    study = read_study([NANO])
    plan = make_plan(study, read_catalogue(study))
    write_specs(plan, tmp_path)
    for kind in ("data", "base", "stage", "probe"):
        node = plan.of_kind(kind)[0].id
        assert refused(capsys, kind, node, "--results", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"specs", "index.csv"}


@pytest.mark.parametrize("verb", OF_STUDY)
def test_a_job_whose_code_has_changed_since_it_was_planned_writes_no_table(verb, capsys):
    assert refused(capsys, verb, *OF_STUDY[verb])


def test_a_job_records_its_own_code_unless_its_study_keeps_what_any_code_made():
    assert code_to_record(None, lambda: "mine") == "mine"
    assert code_to_record("mine", lambda: "mine") == "mine"
    assert code_to_record(ANY_CODE, lambda: "mine") == ANY_CODE
    for wanted in ("", "others"):
        with pytest.raises(UserError, match="run the study again"):
            code_to_record(wanted, lambda: "mine")
