"""`--json`: one valid value alone on standard output, with the keys that the manual promises."""

import json
import re
from pathlib import Path

import pytest

from lethe.artefacts.paths import work_directory
from lethe.cli import main
from lethe.config.reading import read_catalogue, read_study
from lethe.planning.plan import make_plan
from lethe.planning.records import study_record, write_specs, write_study_record

ROOT = Path(__file__).parents[2]
NANO = ROOT / "config" / "test-nano.yaml"
MANUAL = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path):
    """A results folder with a planned study, one stage of which has failed; and its plan."""
    folder = tmp_path
    overlay = folder / "here.yaml"
    overlay.write_text(f"output: {folder / 'results'}\n")
    study = read_study([NANO, overlay])
    catalogue = read_catalogue(study)
    plan = make_plan(study, catalogue)
    write_specs(plan, study.output)
    write_study_record(study, study_record(study, catalogue, plan))
    log = folder / "results" / "logs" / "stage" / f"{plan.runs[0].checkpoints[1]}.log"
    log.parent.mkdir(parents=True)
    log.write_text("step 1\nlethe: there was not enough memory\n")
    return folder, plan


def study_of(place) -> list[str]:
    return [str(NANO), str(place[0] / "here.yaml")]


def told(capsys, *arguments: str, status: int = 0):
    """What a verb prints as JSON; nothing else may be on standard output."""
    assert main([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def keys_in_the_manual(verb: str) -> set[str]:
    """The keys that the table of the manual promises for a verb."""
    (row,) = re.findall(rf"^\| `{verb}` \| (.*?) \|$", MANUAL, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))


CASES = ["check", "plan", "status", "show", "diff", "verify", "methods", "models", "tasks"]


@pytest.mark.parametrize("verb", CASES)
def test_its_keys_are_those_of_the_manual(place, verb, capsys):
    results = ["--results", str(place[0] / "results")]
    tasks = place[0] / "tasks" / "own.yaml"
    tasks.parent.mkdir()
    tasks.write_text("task: own\ndataset_path: a/b\noutput_type: multiple_choice\n")
    arguments = {
        "show": ["nano/base@0", *results],
        "diff": ["nano/base@0", "nano/simp", *results],
        "verify": ["nano", *results],
        "methods": ["ewc"],
        "models": ["xs"],
        "tasks": ["--include-path", str(tasks.parent)],
    }.get(verb, study_of(place))
    found = told(capsys, verb, *arguments, status=1 if verb == "verify" else 0)
    row = found[0] if isinstance(found, list) else found
    assert row.keys() == keys_in_the_manual(verb)


def test_status_says_of_every_checkpoint_where_it_stands_and_why(place, capsys):
    found = told(capsys, "status", *study_of(place))
    (chain,) = found["chains"]
    assert chain["chain"] == "nano/sequential/nano-forward@0"
    assert [stage["state"] for stage in chain["stages"]] == ["to do", "failed", "to do"]
    assert chain["stages"][1]["words"] == "nano/sequential/nano-forward/1@0"
    assert chain["stages"][1]["why"] == "there was not enough memory"


def test_status_tells_by_words_how_far_a_running_job_is(place, capsys):
    from lethe.artefacts.locks import lock

    folder, plan = place
    node = plan.runs[0].checkpoints[2]
    with lock(work_directory(folder / "results", node) / "lock"):
        found = told(capsys, "status", *study_of(place))
        assert found["chains"][0]["stages"][2]["jobs"] == {node: ""}
        main(["status", *study_of(place)])
    said = capsys.readouterr().out
    assert "running: nano/sequential/nano-forward/2@0: has begun" in said
    assert "failed: nano/sequential/nano-forward/1@0 (" in said


def test_plan_has_every_node_with_its_words(place, capsys):
    found = told(capsys, "plan", *study_of(place))
    assert {node["node"] for node in found["nodes"]} == place[1].nodes.keys()
    words = {node["words"] for node in found["nodes"]} - {""}
    assert words == {"nano/base@0"} | {f"nano/sequential/nano-forward/{n}@0" for n in (1, 2)}


def test_a_mistake_leaves_standard_output_empty(place, capsys):
    assert main(["check", "--config", "models=[xss]", "--json"]) == 2
    told_apart = capsys.readouterr()
    assert told_apart.out == "" and told_apart.err.startswith("lethe: ")


def test_where_has_folders_or_null_and_a_study_without_results_is_a_sentence(place, capsys):
    folder = place[0] / "results" / "studies" / "nano"
    assert main(["where", *study_of(place)]) == 2
    assert "study 'nano' has no results yet" in capsys.readouterr().err
    (folder / "tables").mkdir(parents=True)
    found = told(capsys, "where", *study_of(place))
    assert found.keys() == keys_in_the_manual("where")
    assert (found["tables"], found["figures"]) == (str(folder / "tables"), None)
    main(["where", *study_of(place)])
    assert f"Figures: {folder / 'figures'} (not made yet)" in capsys.readouterr().out


def test_verify_takes_the_file_of_a_study(place, capsys):
    results = ["--results", str(place[0] / "results")]
    by_name = told(capsys, "verify", "nano", *results, status=1)
    assert told(capsys, "verify", str(NANO), *results, status=1) == by_name
    assert by_name["findings"][0].keys() == {"what", "heal"}


def test_models_say_where_they_come_from_and_where_they_can_run(capsys):
    found = {row["name"]: row for row in told(capsys, "models")}
    assert found["xs"]["bytes_to_train"] is None and found["xs"]["fits_here"] is not False
    assert found["alpaca-7b"]["from"] == "llama-7b, trained on alpaca"
    assert found["alpaca-7b"]["family"] == "causal" and found["alpaca-7b"]["network"] == "the hub"
    # Weights, gradients and two moments in float32, and a copy of the weights in half precision.
    assert found["llama-7b"]["bytes_to_train"] > 18 * 6.74e9
    main(["models"])
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["name", *found]
    assert main(["models", "xss"]) == 2 and "did you mean 'xs'" in capsys.readouterr().err
