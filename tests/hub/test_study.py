"""A whole study on models of the hub: from fetching to figures, and past a model that is closed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lethe.artefacts import read_json

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "workflow", "config", "profiles", "envs")
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
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, tmp_path / part)
    return tmp_path


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


def snakemake(project: Path, endpoint, *arguments: str) -> subprocess.CompletedProcess:
    """Run the study with the network switched off everywhere but in the rule that fetches."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "hub.yaml"]
    environment = {**os.environ, "HF_ENDPOINT": endpoint.url, "HF_HUB_OFFLINE": "1"}
    environment |= {"HF_TOKEN_PATH": str(project / "no-token"), "PYTHONPATH": ""}
    return subprocess.run(
        [*command, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        env=environment,
        timeout=500,
    )


def test_a_study_runs_on_every_architecture_and_past_a_closed_model(
    project, hub_endpoint, small_models
):
    revisions = hub_endpoint.serve({HUB[name]: small_models[name] for name in HUB})
    models = {
        name: {"family": FAMILY[name], "hub": HUB[name], "revision": revisions[HUB[name]]}
        for name in HUB
    }
    closed = hub_endpoint.serve({"tiny/closed": small_models["llama"]}, gated=True)
    models["closed"] = {"family": "causal", "hub": "tiny/closed", **_pinned(closed)}
    write_study(project, models)
    told = snakemake(project, hub_endpoint)
    assert told.returncode != 0
    assert "tiny/closed is gated: accept its terms at" in told.stdout + told.stderr
    results = project / "results"
    for folder, file in (("stages", "stage.json"), ("scores", "probe.json")):
        made = [path.parent.name for path in (results / folder).glob(f"*/{file}")]
        assert {name for name in models if any(m.startswith(name) for m in made)} == set(HUB)
    assert not list((results / "fetched").glob("tiny--closed*"))
    # With access, the same command goes on to the figures, and nothing is fetched twice.
    hub_endpoint.granted.add("hf_granted")
    before = len(hub_endpoint.requests)
    os.environ["HF_TOKEN"] = "hf_granted"  # the fixture's monkeypatch takes it back
    told = snakemake(project, hub_endpoint)
    assert told.returncode == 0, told.stdout + told.stderr
    asked = {path for _, path, _ in hub_endpoint.requests[before:]}
    assert all("closed" in path or "/api/agent" in path for path in asked), asked
    assert list((results / "studies" / "hub" / "figures").glob("*.png"))


def _pinned(revisions: dict[str, str]) -> dict[str, str]:
    (revision,) = revisions.values()
    return {"revision": revision}
