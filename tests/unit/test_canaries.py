"""No code of a checkpoint runs, on whatever road the checkpoint comes."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import evaluation_world as world
import pytest
from end_task_case import end_task_spec
from end_task_case import made_nodes as end_task_nodes
from node_specs import write_spec
from small_nodes import make_nodes, stage_spec
from traps import UNKNOWN, change, lay_traps

from lethe.artefacts.files import write_json
from lethe.artefacts.local_files import checkpoint_digest
from lethe.artefacts.manifests import publish
from lethe.cli import main
from lethe.commands.evaluate import evaluate
from lethe.errors import UserError

# Models are loaded in processes of their own.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("canaries")
    world.write_checkpoint(folder / "checkpoint")
    world.write_task(folder / "eval", "know", world.CHOICE, world.choice_rows, n=4)
    return folder


@pytest.fixture
def mark(tmp_path) -> Path:
    """The file that code of a checkpoint would leave; it must never be there."""
    yield tmp_path / "mark"
    assert not (tmp_path / "mark").exists(), (tmp_path / "mark").read_text()


@pytest.fixture
def checkpoint(place, tmp_path):
    shutil.copytree(place / "checkpoint", tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def on_a_terminal(command: list[str], cwd: Path) -> tuple[int, str]:
    """Run a command on a terminal that answers "y" to everything; its status and what it shows."""
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=cwd
    )
    os.close(theirs)
    os.write(ours, b"y\n" * 20)
    shown, end = b"", time.monotonic() + 120
    while time.monotonic() < end:
        if select.select([ours], [], [], 1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # Linux: the other side is closed
                break
    os.close(ours)
    process.kill()
    return process.wait(), shown.decode()


def test_the_traps_work_where_a_checkpoint_is_trusted(checkpoint, tmp_path):
    lay_traps(checkpoint, tmp_path / "sprung", **UNKNOWN)
    code = """
import sys
from transformers import AutoConfig
AutoConfig.from_pretrained(sys.argv[1])
"""
    shown = on_a_terminal([sys.executable, "-c", code, str(checkpoint)], tmp_path)[1]
    assert "[y/N]" in shown, shown
    assert (tmp_path / "sprung").exists()


def on_terminal(place, checkpoint, engine: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "lethe", "evaluate", "--model", str(checkpoint), "--tasks"]
    command += ["know", "--include-path", str(place / "eval"), "--engine", engine]
    # In the folder itself, where a module of Python could be taken for one of the libraries.
    status, shown = on_a_terminal(command, checkpoint)
    assert "[y/N]" not in shown and "Traceback" not in shown, shown
    return status, shown.replace("y\r\n", "")


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_an_unknown_architecture_is_refused_without_a_question(place, checkpoint, mark, engine):
    lay_traps(checkpoint, mark, **UNKNOWN)
    status, shown = on_terminal(place, checkpoint, engine)
    assert status == 2
    assert shown.startswith("lethe: ") and shown.count("\n") == 1
    assert "never run" in shown


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_a_known_architecture_with_code_is_scored_as_without(place, checkpoint, mark, engine):
    expected = on_terminal(place, checkpoint, engine)
    lay_traps(checkpoint, mark)
    assert on_terminal(place, checkpoint, engine) == expected
    assert expected[0] == 0 and "gold_logprob" in expected[1]


def write_gpt2(folder: Path) -> None:
    """A checkpoint of a type that is not built here, and its tokenizer in an older form."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    folder.mkdir()
    alphabet = [chr(c) for c in range(33, 127)] + ["Ġ"]
    words = ["<|endoftext|>", *alphabet]
    write_json(folder / "vocab.json", {word: number for number, word in enumerate(words)})
    (folder / "merges.txt").write_text("#version: 0.2\n")
    change(folder / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    torch.manual_seed(0)
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 256}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(words), **sizes)).save_pretrained(folder)


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_what_the_automatic_classes_load_runs_no_code(place, tmp_path, mark, engine):
    write_gpt2(tmp_path / "gpt2")
    expected = evaluate(tmp_path / "gpt2", ["know"], str(place / "eval"), engine=engine)
    lay_traps(tmp_path / "gpt2", mark)
    found = evaluate(tmp_path / "gpt2", ["know"], str(place / "eval"), engine=engine)
    assert found[0]["scores"] == expected[0]["scores"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("config.json", {"_attn_implementation": "FOLDER"}),
        ("config.json", {"attn_implementation": "FOLDER:own"}),
        ("config.json", {"text_config": {"_attn_implementation": "FOLDER"}}),
        ("config.json", {"experts_implementation": "FOLDER"}),
        ("config.json", {"quantization_config": {"quant_method": "own"}}),
        ("config.json", {"transformers_weights": "pytorch_model.bin"}),
        ("config.json", {"configuration_files": ["config.4.0.0.json"]}),
        ("config.json", {"kernel_config": {"kernel_mapping": {"RMSNorm": "FOLDER:own"}}}),
        ("config.json", {"_auto_class": "AutoModel"}),
        ("generation_config.json", {"custom_generate": "FOLDER"}),
        ("tokenizer_config.json", {"fast_tokenizer_files": ["tokenizer.4.0.0.json"]}),
        ("tokenizer_config.json", {"__slow_tokenizer": "FOLDER"}),
        ("adapter_config.json", {"base_model_name_or_path": "FOLDER"}),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "own"}}),
    ],
    ids=str,
)
def test_what_names_code_or_other_files_is_refused(place, checkpoint, mark, name, changes):
    lay_traps(checkpoint, mark)
    text = json.dumps(changes).replace("FOLDER", str(checkpoint))
    change(checkpoint / name, **json.loads(text))
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        evaluate(checkpoint, ["know"], str(place / "eval"))


def run(results: Path, verb: str, **spec) -> tuple[int, str]:
    """Run a verb on a node with this spec; its status, and the node's id."""
    node = write_spec(results, "made", spec)
    return main([verb, node, "--results", str(results)]), node


def trap_node(folder: Path, manifest: str, mark: Path, **record) -> None:
    """Lay traps into the folder of a node, whose manifest then vouches for its JSON files."""
    lay_traps(folder, mark)
    names = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
    publish(folder, manifest, {"id": folder.name, **record}, names)


def import_spec(folder: Path, family: str = "causal") -> dict:
    spec = {"kind": "base", "family": family, "source": "import", "path": str(folder)}
    return {**spec, "sha256": checkpoint_digest(str(folder), "import")}


def test_an_imported_base_brings_no_code(checkpoint, tmp_path, mark):
    lay_traps(checkpoint, mark)
    status, node = run(tmp_path / "results", "base", **import_spec(checkpoint))
    made = tmp_path / "results" / "bases" / node
    assert status == 0 and (made / "base.json").is_file()
    assert not list(made.glob("*.py")) and not list(made.glob("*.bin"))


def test_an_imported_base_of_an_unknown_architecture_is_refused(checkpoint, tmp_path, mark, capsys):
    lay_traps(checkpoint, mark, **UNKNOWN)
    assert run(tmp_path / "results", "base", **import_spec(checkpoint))[0] == 2
    assert "never run" in capsys.readouterr().err


def test_stages_and_probes_on_a_trapped_parent_run_no_code(place, tmp_path, mark):
    results = tmp_path / "results"
    make_nodes(results)
    trap_node(results / "bases" / "base", "base.json", mark, parameters=1)
    status, stage = run(results, "stage", **stage_spec(recipe={"epochs": 0.2}))
    assert status == 0
    shutil.copytree(place / "eval", results / "data" / "sets" / "eval")
    publish(results / "data" / "sets", "data.json", {"id": "sets"}, [])
    task = {"name": "know", "data": "sets", "data_kind": "data", "texts": None, "shots": 0}
    task |= {"axis": "know", "chance": 0.25, "cluster": None, "subset": None, "metric": "acc"}
    spec = {"kind": "probe", "tasks": [task], "split": "test", "limit": None, "include": None}
    for kind, node, engine in (("base", "base", "stock"), ("stage", stage, "fast")):
        where = {"checkpoint": node, "checkpoint_kind": kind, "engine": engine}
        assert run(results, "probe", **spec, **where, dtype="float32")[0] == 0


def test_end_tasks_on_a_trapped_encoder_run_no_code(tmp_path, mark):
    for results in end_task_nodes(tmp_path / "results"):
        trap_node(results / "bases" / "base", "base.json", mark, parameters=1)
        assert run(results, "end_task", **end_task_spec(epochs=1))[0] == 0
