"""`lethe evaluate` with names of the hub: from its cache, from copies, and only if told from it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lethe.commands.evaluate import evaluate
from lethe.errors import UserError

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
import evaluation_world as world  # noqa: E402
from test_peft_adapters import write_adapter  # noqa: E402

ROWS = "".join(json.dumps(row) + "\n" for row in world.choice_rows(3, 6))
REMOTE = world.CHOICE.split("dataset_path")[0] + "dataset_path: {set}\ntest_split: test\n"
REMOTE += "metadata: {{version: 1.0}}\n" + world.CHOICE.split("metadata: {{version: 1.0}}\n")[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A checkpoint, an adapter on it, and a task with local data."""
    folder = tmp_path_factory.mktemp("made")
    world.write_checkpoint(folder / "base")
    write_adapter(folder / "adapter", folder / "base", "lora")
    world.write_task(folder / "eval", "know", world.CHOICE, world.choice_rows, n=6)
    yaml = REMOTE.format(name="remote", set="some/set")
    (folder / "eval" / "remote.yaml").write_text(yaml)
    return folder


@pytest.fixture
def hub(hub_endpoint, made, monkeypatch, tmp_path):
    """An endpoint with model, adapter and data set, and an empty cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    adapter = files_in(made / "adapter")
    config = json.loads(adapter["adapter_config.json"]) | {"base_model_name_or_path": "some/base"}
    adapter["adapter_config.json"] = json.dumps(config).encode()
    code = {"modeling_own.py": b"raise SystemExit", "pytorch_model.bin": b"pickled"}
    hub_endpoint.serve({"some/base": {**files_in(made / "base"), **code}, "some/adapter": adapter})
    hub_endpoint.serve({"some/set": {"test.jsonl": ROWS, "set.py": "raise SystemExit"}}, "dataset")
    return hub_endpoint


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def scores(made: Path, model, task: str = "know", **options) -> list[dict]:
    (result,) = evaluate(model, [task], str(made / "eval"), **options)
    return result["scores"]


def refused(made: Path, model, *words: str, task: str = "know", **options) -> None:
    with pytest.raises(UserError) as caught:
        scores(made, model, task, **options)
    for word in words:
        assert word in str(caught.value)


def test_nothing_is_fetched_unless_told(made, hub):
    refused(made, "some/base", "--network", "--source", "some/base")
    assert not hub.requests


def test_a_fetched_model_is_scored_as_its_folder_and_then_offline(made, hub):
    expected = scores(made, made / "base")
    assert scores(made, "some/base", network=True) == expected
    fetched = set(hub.fetched_paths())
    assert "model.safetensors" in fetched
    assert not fetched & {"modeling_own.py", "pytorch_model.bin"}
    asked = len(hub.requests)
    assert scores(made, "some/base") == expected
    revision = hub.repositories["model", "some/base"].revision
    assert scores(made, f"some/base@{revision}") == expected
    assert len(hub.requests) == asked
    refused(made, "some/base@v2", "some/base at v2")


def test_an_adapter_of_the_hub_brings_its_base(made, hub):
    expected = scores(made, made / "adapter")
    assert scores(made, "some/adapter", network=True) == expected
    assert scores(made, "some/adapter") == expected


def test_an_adapter_without_its_base_says_how_to_give_it(made, hub, tmp_path):
    assert scores(made, "some/adapter", network=True)
    shutil.rmtree(tmp_path / "hub" / "models--some--base")
    refused(made, "some/adapter", "some/base", "--base")
    assert scores(made, "some/adapter", base=made / "base") == scores(made, made / "adapter")


def test_the_name_of_nothing_is_a_sentence(made, hub):
    refused(made, "some/nothing", "There is no model some/nothing", "the name", network=True)
    refused(made, "some/base@v2", "no revision v2", "another one", network=True)


def test_a_file_that_was_altered_on_the_way_is_not_kept(made, hub):
    hub.alter.add("model.safetensors")
    refused(made, "some/base", "model.safetensors", "other content", network=True)
    hub.alter.clear()
    assert scores(made, "some/base", network=True) == scores(made, made / "base")


@pytest.mark.parametrize("layout", ["some/base", "some--base", "models--some--base/snapshots/abc"])
def test_a_folder_of_copies_goes_before_the_cache(made, hub, tmp_path, layout):
    shutil.copytree(made / "base", tmp_path / "copies" / layout)
    assert scores(made, "some/base", source=tmp_path / "copies") == scores(made, made / "base")
    assert not hub.requests


def test_a_source_that_is_not_there_is_a_sentence(made, tmp_path):
    refused(made, made / "base", "--source", source=tmp_path / "nowhere")


def test_the_data_of_a_task_come_from_copies_or_the_hub(made, hub, tmp_path):
    refused(made, made / "base", "'some/set' is not on this machine", "--source", task="remote")
    copy = tmp_path / "copies" / "some" / "set"
    copy.mkdir(parents=True)
    (copy / "test.jsonl").write_text(ROWS)
    expected = scores(made, made / "base", "remote", source=tmp_path / "copies")
    assert not hub.requests
    assert scores(made, made / "base", "remote", network=True) == expected
    assert "set.py" not in hub.fetched_paths()
    assert scores(made, made / "base", "remote") == expected


@pytest.mark.slow
def test_the_command_line_fetches_where_it_may(made, hub):
    command = [sys.executable, "-m", "lethe", "evaluate", "some/adapter", "--tasks"]
    command += [str(made / "eval" / "know.yaml"), "--json", "--network"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout)[0]["scores"] == scores(made, made / "adapter")
