"""Continual pre-training through the workflow: domains, methods with state, end tasks, tables."""

import pandas as pd
import pytest
from project import Project
from workflow_copy import copy_workflow

pytestmark = pytest.mark.slow

STUDY = ("--configfile", "config/test-nano-ke.yaml")


def test_the_reduced_study_of_domains_runs_and_a_further_end_task_seed_trains_only_itself(tmp_path):
    project = Project(copy_workflow(tmp_path / "project"))
    project.snakemake(*STUDY)
    folder = project.folder / "results" / "studies" / "nano-ke"
    scores = pd.read_csv(folder / "scores.csv", keep_default_na=False)
    methods = {"sequential", "adapter", "hat-all", "das"}
    ends = scores[scores["kind"] == "end_task"]
    assert set(ends["method"]) == methods
    assert set(ends["stage_index"]) == {0, 1, 2}
    losses = scores[scores["metric"] == "mlm_loss"]
    assert set(losses["kind"]) == {"mlm"}
    assert losses.groupby("method")["stage_index"].nunique().to_dict() == dict.fromkeys(methods, 3)
    table = pd.read_csv(folder / "tables" / "end_tasks.csv")
    assert set(table["method"]) == methods | {"none"}
    costs = pd.read_csv(folder / "tables" / "compute.csv")
    assert set(costs["method"]) == methods and (costs["seconds"] > 0).all()
    cells = pd.read_csv(folder / "figures" / "importance.csv")
    assert set(cells["method"]) == {"das"}
    assert set(cells["domain"]) == {"general", "restaurant", "acl"}
    verdicts = pd.read_csv(folder / "claims" / "claims.csv").drop_duplicates("claim")
    assert (
        verdicts["verdict"].str.contains("one seed|not measured|not testable").tolist()
        == [True] * 3
    )
    assert (folder / "questions" / "cloze_restaurant.html").is_file()
    assert project.planned(*STUDY) == {}

    kept = {path: path.stat().st_mtime_ns for path in stores(project)}
    project.edit("config/test-nano-ke.yaml", "end_task: [0]", "end_task: [0, 1]")
    counts = project.planned(*STUDY)
    assert {"data", "base", "stage", "probe"} & counts.keys() == set()
    project.snakemake(*STUDY, "--until", "end_task")
    now = stores(project)
    assert len(now) == 2 * len(kept)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def stores(project) -> list:
    """Files that hold the result of one seed of an end task."""
    return sorted((project.folder / "results" / "endtasks" / "store").rglob("*.json"))
