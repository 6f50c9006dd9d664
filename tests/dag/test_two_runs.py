"""Two runs of one study, started at once, both end well and make everything once."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from project import NANO, Project
from workflow_copy import copy_workflow

pytestmark = pytest.mark.slow


def begin(project: Project, *arguments: str) -> subprocess.Popen:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("LETHE_")}
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", NANO]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=project.folder,
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("folders", [1, 2], ids=["in one folder", "in two, with one output"])
def test_two_runs_at_once_both_succeed_and_one_makes_everything(finished, tmp_path, folders):
    copies = [Project(copy_workflow(tmp_path / str(number))) for number in range(folders)]
    output = tmp_path / "shared"
    runs = [begin(copies[number % folders], "--config", f"output={output}") for number in (0, 1)]
    # Both are read at once: a full pipe stops a run, and the other may be waiting for it.
    with ThreadPoolExecutor(len(runs)) as pool:
        told = sorted(pool.map(lambda run: run.communicate(timeout=400)[0], runs), key=len)
    assert [run.returncode for run in runs] == [0, 0], told
    assert "lethe: waiting for the run with pid" in told[0]
    assert "Nothing to be done" in told[0] and "23 of 23 jobs done" in told[1]
    alone = finished.folder / "results"
    for name in ("scores.csv", "metrics.csv", "tables/fg.csv"):
        path = Path("studies") / "nano" / name
        assert (output / path).read_bytes() == (alone / path).read_bytes()


def test_a_run_that_waits_goes_on_when_the_other_is_killed_and_what_only_looks_never_waits(
    tmp_path,
):
    project = Project(copy_workflow(tmp_path / "project"))
    first = begin(project)
    locks = project.folder / ".snakemake" / "locks"
    end = time.monotonic() + 300
    while not list(locks.glob("*.lock")) and time.monotonic() < end:
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)  # so that it holds what it holds
    try:
        for look in ("--dry-run", "--summary", "--lint"):
            assert "waiting" not in project.snakemake(look).stdout
        second = begin(project)
        for line in second.stdout:
            if line.startswith("lethe: waiting"):
                break
    finally:
        first.kill()
    told = second.communicate(timeout=400)[0]
    assert second.returncode == 0, told
    assert f"removed the lock of the killed run (pid {first.pid})" in told
    assert not list((project.folder / ".snakemake" / "lethe-drivers").iterdir())
    first.communicate(timeout=60)
