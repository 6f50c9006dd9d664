"""The plugin learns the state of every job, and nothing wrong while SLURM does not answer."""

import os
import shlex
import time

import pytest
from fake_slurm import AWAY, FakeSlurm
from snakemake_executor_plugin_slurm.job_status_query import (
    query_job_status_sacct,
    query_job_status_squeue,
)

from lethe.slurm import states
from lethe.slurm.__main__ import answer
from lethe.slurm.records import Job, remember

QUESTIONS = {
    "squeue": shlex.split(query_job_status_squeue("this-run"))[1:],
    "sacct": shlex.split(query_job_status_sacct("this-run"))[1:],
}


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    return FakeSlurm(tmp_path, monkeypatch)


@pytest.fixture
def ask(slurm, capsys):
    """The plugin's question; {number: state} from an answer that it takes for a good one."""

    def of(command="squeue"):
        assert answer(slurm.desk, command, QUESTIONS[command]) == 0
        return dict(line.split("|") for line in capsys.readouterr().out.splitlines())

    return of


@pytest.mark.parametrize("command", QUESTIONS)
def test_either_question_of_the_plugin_is_answered_by_squeue(slurm, ask, command):
    slurm.answers("squeue", "1|RUNNING\n2|COMPLETED\n")
    assert ask(command) == {"1": "RUNNING", "2": "COMPLETED"}
    assert "--name this-run" in slurm.calls("squeue")[0]
    assert "--states=all" in slurm.calls("squeue")[0]


def test_a_question_that_fails_is_asked_again_and_that_is_said_once(slurm, ask):
    slurm.answers("squeue", f"!{AWAY}", f"!{AWAY}", "1|RUNNING\n")
    assert ask() == {"1": "RUNNING"}
    away, back = slurm.said
    assert "connect failure" in away and "again" in back


def test_a_failure_of_a_kind_never_seen_is_no_answer_either(slurm, ask):
    slurm.answers("squeue", "!squeue: something new", "1|RUNNING\n")
    assert ask() == {"1": "RUNNING"} and "something new" in slurm.said[0]


def test_while_slurm_does_not_answer_no_job_is_forgotten_or_ended(slurm, ask, monkeypatch):
    monkeypatch.setattr(states, "STATE_SECONDS", 0.1)
    remember(slurm.desk.folder, "this-run", Job("1", "this-run"))
    slurm.answers("squeue", f"!{AWAY}")
    assert ask() == ask() == {}
    assert len(slurm.said) == 1


def test_a_job_that_slurm_forgot_is_judged_by_what_it_was_to_make(slurm, ask):
    made, old = slurm.folder / "made", slurm.folder / "old"
    for path in (made, old):
        path.touch()
    os.utime(old, (1, 1))
    now = time.time()
    for number, outputs in {"1": [made], "2": [made, "/missing"], "3": [old], "4": []}.items():
        job = Job(number, "this-run", outputs=[str(path) for path in outputs], submitted=now)
        remember(slurm.desk.folder, "this-run", job)
    slurm.answers("squeue", "9|RUNNING\n")
    assert ask() == {"1": "COMPLETED", "2": "FAILED", "3": "FAILED", "4": "FAILED", "9": "RUNNING"}


def test_a_job_that_is_submitted_during_the_question_does_not_count_as_forgotten(slurm, ask):
    remember(slurm.desk.folder, "other", Job("5", "this-run"))
    slurm.answers("squeue", "1|RUNNING\n")
    path = slurm.binaries / "squeue"
    late = f"cat {slurm.desk.folder}/other.jsonl >> {slurm.desk.folder}/this-run.jsonl\n"
    path.write_text(path.read_text() + late)
    assert ask() == {"1": "RUNNING"}
    assert ask() == {"1": "RUNNING", "5": "FAILED"}


def test_jobs_of_arrays_and_of_other_clusters_are_not_judged(slurm, ask):
    remember(slurm.desk.folder, "this-run", Job("1", "this-run", judged=False))
    slurm.answers("squeue", "1_2|RUNNING\n")
    assert ask() == {"1_2": "RUNNING"}


def test_a_job_that_was_taken_over_is_asked_for_under_its_own_run(slurm, ask):
    remember(slurm.desk.folder, "this-run", Job("3", "old-run"))
    slurm.answers("squeue", "3|RUNNING\n")
    assert ask() == {"3": "RUNNING"}
    assert "--name old-run,this-run" in slurm.calls("squeue")[0]


@pytest.mark.parametrize("state", ["PREEMPTED", "NODE_FAIL"])
def test_a_job_that_was_taken_from_its_node_is_put_back_at_no_cost(slurm, ask, state):
    remember(slurm.desk.folder, "this-run", Job("1", "this-run"))
    slurm.answers("squeue", f"1|{state}\n")
    slurm.answers("scontrol", "")
    assert ask() == {"1": "PENDING"} and slurm.calls("scontrol") == ["requeue 1"]
    slurm.answers("scontrol", "!Requested operation not supported on this system")
    assert ask() == {"1": "FAILED"}


def test_jobs_that_are_not_this_runs_are_not_put_back(slurm, ask):
    remember(slurm.desk.folder, "this-run", Job("3", "old-run"))
    slurm.answers("squeue", "3|RUNNING\n4|PREEMPTED\n")
    slurm.answers("scontrol", "")
    assert ask()["3"] == "RUNNING" and not slurm.calls("scontrol")


@pytest.mark.parametrize("state", ["TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "FAILED"])
def test_other_ends_reach_the_plugin_as_they_are(slurm, ask, state):
    slurm.answers("squeue", f"1|{state}\n")
    assert ask() == {"1": state}


def test_other_questions_are_passed_on_with_their_answer(slurm, capsys):
    slurm.answers("sinfo", f"!{AWAY}", "main*\n")
    assert answer(slurm.desk, "sinfo", ["-o", "%P"]) == 0
    assert capsys.readouterr().out == "main*\n"
