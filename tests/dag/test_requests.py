"""Requests to a cluster do not stand in the way of a run on a laptop."""

import re

import pytest
from project import Project
from workflow_copy import copy_workflow

pytestmark = pytest.mark.slow


def test_a_job_that_asks_for_gpus_runs_where_nobody_says_how_many_there_are(tmp_path):
    project = Project(copy_workflow(tmp_path / "project"))
    data = re.search(r"results/data/\S+/data.json", project.snakemake("--dry-run").stdout)[0]
    project.snakemake("--set-resources", "data:gpu=2", "data:mem_mb=1000000", "--", data)
    assert (project.folder / data).exists()
