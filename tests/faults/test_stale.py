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


def test_what_is_missing_or_out_of_date_is_made_in_one_run_whatever_the_times(finished, tmp_path):
    """Snakemake leaves out a job whose inputs all count as old, and refuses what is older."""
    run = copy_of(finished, tmp_path / "run")
    figure = run.folder / "results/studies/nano/figures/fg.json"
    for path in sorted((run.folder / "results").rglob("*")):
        os.utime(path, times=(2e9, 2e9))
    lose_a_table_and_alter_a_stage(run)
    run.targets = ("results/studies/nano/tables/fg.md",)
    assert run.finish() == 0, run.log()
    assert (run.folder / run.targets[0]).exists()
    run.targets = ()
    lose_a_table_and_alter_a_stage(run)
    assert run.finish() == 0, run.log()
    assert (run.folder / "results/studies/nano/tables/fg.md").exists()
    assert figure.stat().st_mtime < 2e9


def lose_a_table_and_alter_a_stage(run):
    shutil.rmtree(run.folder / "results/studies/nano/tables")
    losses = next((run.folder / "results").glob("stages/*-s1-*/training.csv"))
    losses.write_text(losses.read_text() + "\n")
