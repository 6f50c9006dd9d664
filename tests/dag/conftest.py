"""A finished run of the reduced study in a copy of the workflow."""

import shutil

import pytest
from project import Project
from workflow_copy import copy_workflow


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The reduced study, run once a session; no test may change it."""
    project = Project(copy_workflow(tmp_path_factory.mktemp("nano") / "project"))
    project.snakemake()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with Snakemake's own records, for one test to change."""
    copy = tmp_path / "project"
    shutil.copytree(finished.folder, copy, symlinks=True)
    return Project(copy)
