"""A running job says how far it is: in a file that `lethe status` reads, and in its log."""

import json

import pytest
from small_nodes import make_nodes, stage_spec

from lethe.artefacts.locks import lock
from lethe.artefacts.paths import work_directory
from lethe.commands import status
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.jobs import live
from lethe.jobs.live import LiveRecord, read_live
from lethe.planning.plan import make_plan


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand: `clock["now"]` in seconds."""
    now = {"now": 1000.0}
    monkeypatch.setattr(live.time, "monotonic", lambda: now["now"])
    monkeypatch.setattr(live.time, "time", lambda: now["now"])
    return now


def test_step_loss_speed_and_time_left_are_said(tmp_path, clock, capsys):
    record = LiveRecord(tmp_path, first=100)
    record.note(100, 512, loss=3.25)
    assert read_live(tmp_path) == "step 100 of 512, loss 3.250"
    # 50 of the 412 steps that are left took 100 s, so 362 take 724 s: 12 min.
    clock["now"] += 100
    record.note(150, 512, loss=2.5, tokens=150_000)
    said = "step 150 of 512, loss 2.500, 1,500 tokens/s, 12 min left"
    assert read_live(tmp_path) == said
    assert capsys.readouterr().err == said + "\n"


def test_a_record_is_written_every_few_seconds_only(tmp_path, clock):
    record = LiveRecord(tmp_path, "evaluation task")
    record.note(0, 18)
    clock["now"] += 1
    record.note(1, 18)
    assert read_live(tmp_path) == "evaluation task 0 of 18"
    clock["now"] += live.RECORD_SECONDS
    record.note(2, 18)
    assert read_live(tmp_path).startswith("evaluation task 2 of 18")


def test_an_old_record_says_its_age_and_a_broken_one_nothing(tmp_path, clock):
    LiveRecord(tmp_path).note(0, 10)
    clock["now"] += 200
    assert read_live(tmp_path) == "step 0 of 10 (3 min 20 s ago)"
    (tmp_path / live.NAME).write_text("{")
    assert read_live(tmp_path) == "" == read_live(tmp_path / "nothing")


def test_training_leaves_a_record_of_its_steps(tmp_path, monkeypatch):
    from lethe.training.stage import train_stage

    monkeypatch.setattr(live, "RECORD_SECONDS", 0.0)
    monkeypatch.setattr(live, "LOG_SECONDS", 1e9)
    make_nodes(tmp_path)
    manifest = train_stage("stage", stage_spec(), tmp_path, "code", 1e9)
    facts = json.loads((work_directory(tmp_path, "stage") / live.NAME).read_text())
    assert (facts["done"], facts["of"]) == (manifest["steps"],) * 2
    log = (tmp_path / "stages" / "stage" / "training.csv").read_text().splitlines()
    assert facts["loss"] == pytest.approx(float(log[-1].split(",")[1]), rel=1e-5)


def test_status_names_running_jobs_and_failed_data(tmp_path):
    study = parse_study({**read_yaml(DEFAULT), "output": str(tmp_path)})
    catalogue = read_catalogue(study)
    plan = make_plan(study, catalogue)
    run = plan.runs[0]
    base, stage = run.checkpoints[:2]
    with lock(work_directory(tmp_path, stage) / "lock"):
        LiveRecord(work_directory(tmp_path, stage)).note(3, 9, loss=1.5)
        assert status.live(plan, tmp_path, stage) == {stage: "step 3 of 9, loss 1.500"}
        assert status.state(plan, tmp_path, stage, set()) == (">", "")
    assert status.live(plan, tmp_path, stage) == {}
    (data,) = [name for kind, name in plan.nodes[base].inputs if kind == "data"]
    log = tmp_path / "logs" / "data" / f"{data}.log"
    log.parent.mkdir(parents=True)
    log.write_text("lethe: the disk is full\n")
    assert status.state(plan, tmp_path, base, set()) == ("!", "the disk is full")
