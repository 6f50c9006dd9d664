"""A failed rule on a finished, then changed, study never leaves tables that are out of date.

`stale_study.py` beside this file does the same for every rule, fault and change.
"""

import os
import random
import shutil
import sys
from itertools import cycle, islice

import pytest
from staleness import (
    CHANGES,
    FAULTS,
    copy_of,
    fail_each_rule_once,
    outcome_of_undisturbed,
    small_study,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = small_study(tmp_path_factory.mktemp("finished") / "run")
    assert run.finish() == 0, run.log()
    return run


@pytest.mark.parametrize(("number", "name"), [(1, "code changed"), (3, "numbers altered")])
def test_when_each_rule_failed_once_the_next_run_gives_the_tables_of_an_undisturbed_one(
    finished, tmp_path, number, name
):
    expected = outcome_of_undisturbed(finished, CHANGES[name], tmp_path / "undisturbed")
    run = copy_of(finished, tmp_path / "run")
    fail_each_rule_once(run, CHANGES[name], list(islice(cycle(FAULTS), number, number + 9)))
    assert run.outcome() == expected
    assert run.finish() == 0 and "Nothing to be done" in run.log()[-2000:]


def test_results_that_were_copied_with_scrambled_times_rerun_nothing(finished, tmp_path):
    run = copy_of(finished, tmp_path / "run")
    shutil.rmtree(run.folder / ".snakemake")
    draw = random.Random(0)
    for path in sorted((run.folder / "results").rglob("*")):
        os.utime(path, times=(draw.uniform(1e9, 2e9),) * 2)
    assert run.finish() == 0
    assert "Nothing to be done" in run.log()[-2000:]
    CHANGES["task added"].make(run.folder)
    assert run.finish() == 0
    assert "read_high" in (run.folder / "results/studies/nano/scores.csv").read_text()
