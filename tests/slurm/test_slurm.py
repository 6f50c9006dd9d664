"""The reduced study goes through the SLURM profile; a cancelled and a timed-out job change nothing.

Where there is no SLURM, `tests/slurm/start-slurm.sh` makes one. Under CI=true there must be one.
"""

import subprocess

import pytest
from cluster import PROFILE, STUDY, Study, told_of

from lethe.planning.resources import request

pytestmark = pytest.mark.slow

SCORES = f"{STUDY}/scores.csv"


@pytest.fixture(scope="module")
def study(local, tmp_path_factory):
    """A run through SLURM from an empty folder to its figures, in which two stages go wrong.

    Both are stopped in training; then the one is cancelled, and the other reaches its time limit.
    """
    study = Study(tmp_path_factory.mktemp("slurm") / "study")
    # Not `gpu`: a stage that asks for GPUs refuses to train on these, which are none.
    arguments = ["--config", "snapshot_seconds=0.01", "--set-resources", "stage:gres=gpu:1"]
    study.start(*PROFILE, *arguments, LETHE_FAULT="stage/rename:1:stop")
    try:
        study.wait_until(lambda: len(study.stopped()) == 2, "two stages were in training")
        study.late, study.cancelled = sorted(study.stopped(), key=lambda stage: stage.node)
        subprocess.run(["scancel", study.cancelled.job], check=True)
        # Limits are whole minutes; this one is reached now.
        limit = ["scontrol", "update", f"JobId={study.late.job}", "EndTime=now+1"]
        subprocess.run(limit, check=True)
        study.finish(held=(study.cancelled.job, study.late.job))
        local.finish()
        yield study
    finally:
        study.end()


def test_a_study_goes_through_the_profile_to_its_figures(study):
    figures = sorted(path.name for path in (study.folder / STUDY / "figures").glob("*.png"))
    drawn = ("evolution", "fg", "items", "learning_forgetting", "matrix")
    assert figures == [f"{figure}.png" for figure in drawn]
    assert study.has_nothing_to_do_here()


def test_a_cancelled_and_a_timed_out_job_end_in_the_same_scores(local, study):
    assert told_of(study.cancelled.job)["JobState"] == "CANCELLED"
    assert told_of(study.late.job)["JobState"] == "TIMEOUT"
    assert (study.folder / SCORES).read_text() == (local.folder / SCORES).read_text()


def test_data_models_and_scores_are_submitted_and_figures_are_drawn_here(study):
    jobs = study.jobs()
    assert {name.split("-")[0] for name in jobs} == {
        *("world", "nano", "group_study_collect_summarize", "rule_questions", "rule_report")
    }
    # A data node, a base, 2 stages, 3 probes, the group, the questions of a set, and the report.
    assert len(jobs) == 10
    twice = {study.cancelled.node, study.late.node}
    assert {name for name, numbers in jobs.items() if len(numbers) > 1} == twice


def test_a_retry_is_a_new_job_that_asks_for_more(study):
    for stage in (study.cancelled, study.late):
        first, second = study.jobs()[stage.node]
        assert first == stage.job
        # The model is so small that it adds a megabyte or two, and a part of a minute.
        asked = [request("stage", 0, attempt) for attempt in (1, 2)]
        told = [told_of(number) for number in (first, second)]
        for job, ask in zip(told, asked, strict=True):
            assert job["MinMemoryNode"] in {memory(ask.mem_mb + more) for more in range(5)}
        limits = [{clock(ask.runtime), clock(ask.runtime + 1)} for ask in asked]
        if stage is study.cancelled:  # the other's limit was changed on its way
            assert told[0]["TimeLimit"] in limits[0]
        assert told[1]["TimeLimit"] in limits[1]


def test_jobs_have_one_thread_no_network_this_package_and_no_fork_server(study):
    for stage in (study.cancelled, study.late):
        environment = stage.environment
        assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS")} == {"1"}
        assert environment["HF_HUB_OFFLINE"] == "1"
        assert environment["PYTHONPATH"] == str(study.folder / "workflow")
        assert "LETHE_FORKSERVER_SOCKET" not in environment
        assert "LETHE_DRIVER" not in environment


def test_a_job_that_asks_for_a_gpu_gets_one_of_its_own(study):
    stages = (study.cancelled, study.late)
    assert {stage.environment["CUDA_VISIBLE_DEVICES"] for stage in stages} == {"0", "1"}


def scores(study: Study) -> str:
    return (study.folder / SCORES).read_text()


def memory(megabytes: int) -> str:
    """As SLURM writes it."""
    return f"{megabytes // 1024}G" if megabytes % 1024 == 0 else f"{megabytes}M"


def clock(minutes: int) -> str:
    """A time limit as SLURM writes it."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
