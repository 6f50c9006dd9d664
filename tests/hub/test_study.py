"""A whole study on models of the hub: from fetching to figures, and past a model that is closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow_copy import copy_workflow

from lethe.artefacts.files import read_json
from lethe.models.weights import weights_digest

pytestmark = pytest.mark.slow

HUB = {"bloom": "tiny/bloom", "llama": "tiny/llama", "mt0": "tiny/mt0"}
FAMILY = {"bloom": "causal", "llama": "causal", "mt0": "seq2seq"}
RECIPE = {"steps": 3, "batch_size": 2, "max_length": 512, "learning_rate": 1e-3}
TASKS = {
    "know_nature": {"axis": "knowledge", "metric": "acc", "chance": 0.25},
    "own_hgen": {"axis": "own", "metric": "rouge1"},
}


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the workflow."""
    return copy_workflow(tmp_path)


def write_study(project: Path, models: dict) -> None:
    study = {
        "study": "hub",
        "models": list(models),
        "orders": ["one"],
        "controls": [],
        "also": [],
        "recipe": "brief",
        "probes": ["two"],
        "limit": 4,
        "define": {
            "models": models,
            "recipes": {"brief": RECIPE},
            "orders": {"one": ["hgen"]},
            "probes": {"two": {"source": "world", "tasks": TASKS}},
        },
    }
    (project / "hub.yaml").write_text(yaml.safe_dump(study))


def run(project: Path, endpoint, *command: str, token: str = "") -> subprocess.CompletedProcess:
    """Run a module of Python with the network switched off everywhere but in `lethe fetch`."""
    environment = {**os.environ, "HF_ENDPOINT": endpoint.url, "HF_HUB_OFFLINE": "1"}
    environment |= {"HF_TOKEN_PATH": str(project / "no-token"), "HF_TOKEN": token}
    return subprocess.run(
        [sys.executable, "-m", *command, "--configfile", "hub.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(project / "workflow")},
        timeout=500,
    )


def study_models(hub_endpoint, small_models) -> dict:
    """One model of each architecture, and a gated one."""
    revisions = hub_endpoint.serve({HUB[name]: small_models[name] for name in HUB})
    revisions |= hub_endpoint.serve({"tiny/closed": small_models["llama"]}, gated=True)
    models = {name: {"family": FAMILY[name], "hub": HUB[name]} for name in HUB}
    models["closed"] = {"family": "causal", "hub": "tiny/closed"}
    return {name: {**model, "revision": revisions[model["hub"]]} for name, model in models.items()}


def test_a_study_runs_on_every_architecture_and_past_a_closed_model(
    project, hub_endpoint, small_models
):
    models = study_models(hub_endpoint, small_models)
    write_study(project, models)
    told = run(project, hub_endpoint, "snakemake", "--cores", "2")
    assert told.returncode != 0
    assert "tiny/closed is gated: accept its terms at" in told.stdout + told.stderr
    results = project / "results"
    for folder, file in (("stages", "stage.json"), ("scores", "probe.json")):
        made = [path.parent.name for path in (results / folder).glob(f"*/{file}")]
        assert {name for name in models if any(m.startswith(name) for m in made)} == set(HUB)
    assert not list((results / "fetched").glob("tiny--closed*"))
    status = run(project, hub_endpoint, "lethe", "status").stdout
    assert "closed" in status and "tiny/closed is gated" in status
    # Once it is open, the same command goes on to the figures, and nothing is fetched twice.
    hub_endpoint.granted.add("hf_granted")
    before = len(hub_endpoint.requests)
    told = run(project, hub_endpoint, "snakemake", "--cores", "2", token="hf_granted")
    assert told.returncode == 0, told.stdout + told.stderr
    fetched = {path for _, path, _ in hub_endpoint.requests[before:] if "tiny/" in path}
    assert fetched and all("tiny/closed" in path for path in fetched)
    assert len(list((results / "studies" / "hub" / "figures").glob("*.png"))) >= 4
    for stage in (results / "stages").glob("*/stage.json"):
        record = read_json(stage)
        base = read_json(results / "bases" / record["spec"]["parent"] / "base.json")
        assert record["parent_weights"] == weights_digest(base)
