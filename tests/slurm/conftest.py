"""All tests here need SLURM and an undisturbed run to compare with."""

import os

import pytest
from cluster import LOCAL, STUDY, Study, why_no_slurm


@pytest.fixture(scope="session", autouse=True)
def slurm():
    reason = why_no_slurm()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def local(slurm, tmp_path_factory):
    """An undisturbed run on this machine, without SLURM; it may still go on."""
    study = Study(tmp_path_factory.mktemp("local") / "study")
    study.start(*LOCAL, f"{STUDY}/scores.csv")
    yield study
    study.end()
