"""Two runs that make the same nodes take turns, wherever they were started; others do not wait."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe.artefacts.processes import boot, start_time
from lethe.errors import UserError
from lethe.jobs.announced import VARIABLE
from lethe.jobs.runs import FOLDER, turn

WORKFLOW = Path(__file__).parents[2] / "workflow"
RUN = (
    "import sys, time; from lethe.errors import UserError; from lethe.jobs.runs import turn\n"
    "results, study, nodes, seconds = sys.argv[1:5]\n"
    "try:\n"
    "    with turn(results, study, nodes.split('+'), wait=not sys.argv[5:]):\n"
    "        print('mine', flush=True); time.sleep(float(seconds))\n"
    "except UserError as error: sys.exit(f'lethe: {error}')\n"
)


def begin(results: Path, study: str, nodes: str, seconds: float = 0.0, *how: str, **variables: str):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(results), study, nodes, str(seconds), *how],
        cwd=WORKFLOW,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def first(tmp_path):
    """A run of study `one` that makes a and b, until it is killed."""
    run = begin(tmp_path, "one", "a+b", 60)
    assert run.stdout.readline() == "mine\n"
    yield run
    run.kill()
    run.wait()


@pytest.mark.parametrize(("study", "nodes"), [("two", "b+c"), ("one", "c")])
def test_a_run_waits_for_one_that_makes_a_node_or_the_study_and_says_so_once(
    first, tmp_path, study, nodes
):
    second = begin(tmp_path, study, nodes)
    told = second.stderr.readline()
    assert f"the run with pid {first.pid} (study one) in " in told and second.poll() is None
    first.kill()
    assert second.communicate(timeout=120) == ("mine\n", "") and second.returncode == 0
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["lock"]


def test_runs_that_share_nothing_and_runs_that_ask_for_no_lock_do_not_wait(first, tmp_path):
    for run in (begin(tmp_path, "two", "c"), begin(tmp_path, "one", "a", 0.0, "nolock")):
        assert run.communicate(timeout=120) == ("mine\n", "")
    assert first.poll() is None


def test_many_runs_at_once_are_let_in_one_by_one(tmp_path):
    runs = [begin(tmp_path, "one", "a", 0.3) for _ in range(4)]
    started = time.monotonic()
    assert [run.wait(60) for run in runs] == [0] * 4
    assert time.monotonic() - started >= 4 * 0.3


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"nodes": 3}'])
def test_a_living_run_with_a_damaged_record_is_waited_for(first, tmp_path, content):
    (record,) = (tmp_path / FOLDER).glob("*.json")
    record.write_bytes(content)
    second = begin(tmp_path, "two", "c")
    assert f"pid {first.pid} " in second.stderr.readline() and second.poll() is None
    first.kill()
    assert second.communicate(timeout=120) == ("mine\n", "") and second.returncode == 0


def test_an_interrupt_ends_the_wait_with_a_sentence(first, tmp_path):
    second = begin(tmp_path, "one", "a")
    assert second.stderr.readline().startswith("lethe: waiting for ")
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=120) == (
        "",
        "lethe: interrupted while waiting for another run; nothing was begun\n",
    )


def test_a_run_inside_a_job_of_the_other_refuses(first, tmp_path):
    outer = f"{first.pid} {start_time(first.pid)} {boot()}"
    inner = begin(tmp_path, "one", "a", **{VARIABLE: outer})
    assert "started by a job of the run" in inner.communicate(timeout=120)[1]
    assert inner.returncode == 1


def test_a_turn_is_over_when_its_work_fails(tmp_path):
    with pytest.raises(UserError), turn(tmp_path, "one", ["a"]):
        raise UserError("it failed")
    with turn(tmp_path, "one", ["a"]):
        pass
