"""`lethe status --watch` follows a run, from what its jobs and itself say."""

import os
import re
import time

import pytest

from lethe.artefacts.locks import lock
from lethe.artefacts.paths import work_directory
from lethe.cli import main
from lethe.commands import watching
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.display.failures import error_line
from lethe.jobs.live import LiveRecord
from lethe.jobs.runs import run_of, turn
from lethe.planning.plan import make_plan
from lethe.planning.words import node_words

FACTS = {"done": 14, "of": 190, "failed": 1, "seconds_left": 250.0}


@pytest.fixture
def study(tmp_path):
    """(Plan of the miniature, folder of its results)."""
    study = parse_study({**read_yaml(DEFAULT), "output": str(tmp_path)})
    return make_plan(study, read_catalogue(study)), tmp_path


def seen(plan, results) -> str:
    return "\n".join(
        watching.as_lines(plan, node_words(plan), "mini", results, run_of(results, "mini"))
    )


def test_running_stages_say_step_loss_and_time_left_by_their_words(study):
    plan, results = study
    stage = plan.runs[0].checkpoints[2]
    with lock(work_directory(results, stage) / "lock"):
        LiveRecord(work_directory(results, stage)).note(120, 512, loss=2.31)
        assert (
            "running:\n  stage xs/sequential/forward/2@0 (emdg): step 120 of 512, loss 2.310"
            in seen(plan, results)
        )
    assert "running" not in seen(plan, results)


def test_counts_and_failures_are_said_by_kind_and_by_words(study):
    plan, results = study
    base = plan.runs[0].checkpoints[0]
    log = results / "logs" / "base" / f"{base}.log"
    log.parent.mkdir(parents=True)
    log.write_text("lethe: the disk is full\n")
    text = seen(plan, results)
    assert re.search(r"^  stage +0 of 59 done$", text, re.M)
    assert "failed: base xs/base@0: the disk is full" in text
    assert not re.search(r"[0-9a-f]{12}", text)


def test_failures_of_an_earlier_run_are_left_out_while_another_goes_on_and_logs_are_read_once(
    study, monkeypatch
):
    plan, results = study
    base = plan.runs[0].checkpoints[0]
    log = results / "logs" / "base" / f"{base}.log"
    log.parent.mkdir(parents=True)
    log.write_text("lethe: the disk is full\n")
    os.utime(log, (time.time() - 60,) * 2)
    read = []
    monkeypatch.setattr(watching, "error_line", lambda path: read.append(path) or error_line(path))
    assert "the disk is full" in seen(plan, results)
    assert "the disk is full" in seen(plan, results) and read == [log]
    with turn(results, "mini", plan.nodes):
        assert "failed" not in seen(plan, results)
        log.write_text("lethe: there was not enough memory\n")
        os.utime(log, (time.time() + 1,) * 2)
        assert "failed: base xs/base@0: there was not enough memory" in seen(plan, results)
    assert read == [log, log]


def test_a_run_says_how_far_it_is_while_it_goes_on(study):
    plan, results = study
    assert seen(plan, results).startswith("study mini: no run is going on")
    with turn(results, "mini", plan.nodes) as note:
        assert "a run has begun" in seen(plan, results)
        note(FACTS | {"at": time.time()})
        assert "14 of 190 jobs of this run, 1 failed, about 4 min 10 s left" in seen(plan, results)
        note(FACTS | {"at": time.time() - 100})
        assert "about 2 min 30 s left" in seen(plan, results)
        assert run_of(results, "another") is None
    assert run_of(results, "mini") is None


def test_watching_ends_with_the_run_and_prints_a_block_when_something_has_changed(
    study, monkeypatch, capsys
):
    run = FACTS | {"seconds_left": None, "pid": 1, "at": time.time()}
    told = iter([run, run, run | {"done": 15}, None])
    monkeypatch.setattr(watching, "run_of", lambda results, study: next(told))
    watching.watch(*study[:1], "mini", study[1], seconds=0)
    text = capsys.readouterr().out
    heads = [line.partition(", ")[0] for line in text.splitlines() if line.startswith("study")]
    assert heads == [
        "study mini: 14 of 190 jobs of this run",
        "study mini: 15 of 190 jobs of this run",
        "study mini: no run is going on",
    ]
    assert "\x1b" not in text


def test_ctrl_c_ends_watching_without_a_word(study, monkeypatch, capsys):
    plan, results = study

    def interrupt(seconds):
        raise KeyboardInterrupt

    with turn(results, "mini", plan.nodes):
        monkeypatch.setattr(watching.time, "sleep", interrupt)
        watching.watch(plan, "mini", results)
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_run_watching_waits_for_one_to_begin_and_then_ends(study, monkeypatch, capsys):
    monkeypatch.setattr(watching, "WAIT_SECONDS", 0.0)
    watching.watch(*study[:1], "mini", study[1])
    assert capsys.readouterr().out.count("no run is going on") == 1


def test_json_is_one_answer_and_is_refused_for_what_goes_on(capsys):
    assert main(["status", "--watch", "--json"]) == 2
    assert "not allowed with" in capsys.readouterr().err
