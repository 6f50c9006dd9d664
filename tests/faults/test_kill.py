"""A run that was killed goes on where it was, and gives the same weights and tables.

`kill_study.py` beside this file does the same at ten random moments, plain and forked.
"""

import sys

import pytest
from killing import Kill, Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]

KILLS = [
    Kill("driver in training", "driver", "base/rename:2:stop", snapshot_seconds=0.01),
    Kill("both in a checkpoint", "both", "stage/fsync:1:stop"),
]
SCORES = ("results/studies/nano/scores.csv",)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("undisturbed"), targets=SCORES)
    assert run.finish() == 0, run.log()
    yield run
    run.end()


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.name)
def test_a_killed_run_goes_on_to_the_same_weights_and_tables(undisturbed, tmp_path, kill):
    run = Run(tmp_path / "run", undisturbed.folder, SCORES)
    try:
        run.interrupt(kill)
        assert run.finish(forked=kill.forked) == 0, run.log()
        assert run.outcome() == undisturbed.outcome()
    finally:
        run.end()
