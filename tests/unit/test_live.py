"""A running job says how far it is: in a file that `lethe status` reads, and in its log."""

import json

import pytest
from retention_case import TRAINING, make_stage
from small_nodes import make_nodes, stage_spec

from lethe.artefacts.locks import lock
from lethe.artefacts.paths import work_directory
from lethe.commands import status
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.jobs import live
from lethe.jobs.live import LiveRecord, read_live
from lethe.methods.registry import create
from lethe.planning.plan import make_plan
from lethe.training import loop
from lethe.training.snapshots import Snapshots


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
    record.note(18, 18)
    assert read_live(tmp_path).startswith("evaluation task 18 of 18")


def test_a_job_that_begins_again_says_why_in_its_log_and_before_its_steps(tmp_path, clock, capsys):
    words = "attempt 2 of 3, seed 0 missed reason_pronoun (0.55 < 0.62)"
    live.say_again(tmp_path, words)
    LiveRecord(tmp_path).note(0, 10)
    assert read_live(tmp_path) == f"{words}: step 0 of 10"
    assert capsys.readouterr().err == f"{words}\n"


def test_an_old_record_says_its_age_and_a_broken_one_nothing(tmp_path, clock):
    LiveRecord(tmp_path).note(0, 10)
    clock["now"] += 200
    assert read_live(tmp_path) == "step 0 of 10 (3 min 20 s ago)"
    (tmp_path / live.NAME).write_text("{")
    assert read_live(tmp_path) == "" == read_live(tmp_path / "nothing")


PASSES = {
    # Method, family, hyper-parameters: the units of the passes of two stages, and their numbers.
    ("ewc", "causal"): ({"samples": 3}, [("example for the Fisher information", 3)] * 2),
    ("flow", "seq2seq"): ({}, [("batch for the base's losses", 1)] * 2),
    ("derpp", "causal"): (
        {"capacity": 4},
        [("example for the buffer's logits", 4), ("example for the buffer's logits", 2)],
    ),
    ("das", "masked"): (
        {"importance_batch": 3, "initialise": "domain"},
        [("batch for the importances", 2)] * 3,
    ),
    ("demix", "masked"): ({}, [("expert that is tried", 1)]),
    ("self_replay", "causal"): (
        {"samples": 65, "max_length": 6},
        [("the base's texts 1 to 64: token", 5), ("the base's texts 65 to 65: token", 5)],
    ),
    ("osf", "causal"): ({}, [("matrix that is taken apart", 14)] * 2),
}


@pytest.mark.parametrize("case", PASSES, ids="-".join)
def test_passes_besides_the_steps_say_how_far_they_are(case, tmp_path, monkeypatch):
    """Every pass says how many there are, and gives exactly so many."""
    (name, family), (hyper, expected) = case, PASSES[case]
    passes = []

    def counted(folder, items, of, unit):
        passes.append((unit, of))
        items = list(items)
        assert len(items) == of
        return live.counted(folder, items, of, unit)

    monkeypatch.setattr(loop, "counted", counted)
    stage, state = make_stage(family), {}
    for index in (1, 2):
        method = create(name, hyper)
        method.load_state(state)
        stage = make_stage(family, stage.model, index=index, earlier=[stage.examples])
        loop.train(stage, method, TRAINING, Snapshots(tmp_path / str(index), {}, 1e9))
        state = method.state()
    assert passes == expected


def test_a_pass_says_how_far_it_is_but_no_time_left_since_it_is_not_the_whole_job(tmp_path, clock):
    items = live.counted(tmp_path, "abcd", 4, "batch for the importances")
    assert next(items) == "a" and read_live(tmp_path) == "batch for the importances 0 of 4"
    clock["now"] += 70
    assert list(items) == ["b", "c", "d"]
    assert read_live(tmp_path) == "batch for the importances 1 of 4"


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
