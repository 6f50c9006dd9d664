"""LoRA, frozen parts and bottlenecks through the workflow: stages, probes, tables, `evaluate`."""

import json

import pandas as pd
import pytest
from project import Project
from workflow_copy import copy_workflow

pytestmark = pytest.mark.slow

HOWS = ["full", "lora", "lora-fresh", "frozen-embeddings", "adapters"]


def test_a_study_trains_and_scores_every_way_and_adds_one_without_training_again(tmp_path):
    project = Project(copy_workflow(tmp_path / "project"))
    study = project.folder / "hows.yaml"
    listed = ", ".join(HOWS[:-1])
    study.write_text(
        f"study: hows\nparametrisations: [{listed}]\nclaims: []\nfigures: [evolution]\n"
        "tables: [fg, methods, compute]\n"
    )
    chosen = ("--configfile", "config/test-nano.yaml", "hows.yaml")
    project.snakemake(*chosen)
    results = project.folder / "results"
    scores = pd.read_csv(results / "studies" / "hows" / "scores.csv", keep_default_na=False)
    stages = scores.groupby("parametrisation")["stage_index"].nunique()
    assert stages.to_dict() == dict.fromkeys(HOWS[:-1], 3)
    table = pd.read_csv(results / "studies" / "hows" / "tables" / "fg.csv")
    names = {"sequential", *(f"sequential ({how})" for how in HOWS[1:-1])}
    assert set(table["method"]) == names
    assert project.planned(*chosen) == {}

    (folder,) = results.glob("stages/*-sequential-lora-fresh-s2-*")
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert "model.safetensors" not in sizes and "adapter_model.safetensors" in sizes
    told = project.lethe("evaluate", str(folder), "--json", "--limit", "8", "--tasks",
                         str(next(results.glob("data/*/eval/know_nature.yaml"))))  # fmt: skip
    assert told.returncode == 0, told.stderr
    mine = {s["metric"]: s["value"] for r in json.loads(told.stdout) for s in r["scores"]}
    rows = scores[(scores["node"] == folder.name) & (scores["probe"] == "know_nature")]
    theirs = dict(zip(rows["metric"], rows["value"], strict=True))
    assert mine["gold_logprob"] == pytest.approx(float(theirs["gold_logprob"]), abs=1e-5)

    project.edit("hows.yaml", f"[{listed}]", f"[{', '.join(HOWS)}]")
    counts = project.planned(*chosen)
    assert counts["stage"] == 2 and counts["probe"] == 2 and "base" not in counts
    project.snakemake(*chosen)
    assert project.lethe("verify").returncode == 0
