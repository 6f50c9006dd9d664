"""Bases from fetched and imported checkpoints: what is checked, counted, linked and refused."""

import json
import os

import pytest
import torch

from lethe.artefacts.files import digest
from lethe.artefacts.local_files import checkpoint_digest
from lethe.artefacts.manifests import verify
from lethe.models.loading import load_model
from lethe.models.tokenizer import load_tokenizer
from lethe.models.weights import weights_digest

# A model of every family is fetched and loaded.
pytestmark = pytest.mark.slow

REPO = "someone/model"
FAMILY = {"bloom": "causal", "llama": "causal", "mt0": "seq2seq"}


def fetched_base(hub_endpoint, nodes, files, family) -> int:
    """Fetch a repository with these files and make a base of it; its exit status."""
    revision = hub_endpoint.serve({REPO: files})[REPO]
    assert nodes.run("fetch", nodes.fetched(REPO, revision)) == 0
    return nodes.run("base", nodes.base(family))


def imported_base(nodes, folder, files, family) -> int:
    """Write the files to a folder and make a base of it; its exit status."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return nodes.run("base", import_node(nodes, folder, family))


def import_node(nodes, folder, family) -> str:
    spec = {"kind": "base", "family": family, "source": "import", "path": str(folder)}
    return nodes.write("base", **spec, sha256=checkpoint_digest(str(folder), "import"))


def refused(nodes, capsys, status: int, *words: str) -> None:
    # Before the sentence, libraries may have shown their progress.
    told = capsys.readouterr().err.partition("lethe: ")[2].strip()
    assert status == 2 and "\n" not in told and told.endswith("."), told
    for word in words:
        assert word in told, told
    assert not nodes.place("base", "base").exists()


@pytest.mark.parametrize("name", ["bloom", "llama", "mt0"])
def test_a_fetched_model_becomes_a_base_that_loads_with_its_very_weights(
    hub_endpoint, nodes, small_models, name
):
    assert fetched_base(hub_endpoint, nodes, small_models[name], FAMILY[name]) == 0
    base = nodes.place("base", "base")
    record = verify(base, "base.json")
    assert record["seed"] is None and record["origin"]["repo"] == REPO
    model = load_model(base)
    assert record["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    theirs = load_model(nodes.place("fetched", "fetched") / "files").state_dict()
    mine = model.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    tokens = load_tokenizer(base)("a dog")["input_ids"]
    assert load_tokenizer(base).decode(tokens, skip_special_tokens=True).strip() == "a dog"


def test_tied_weights_count_once(hub_endpoint, nodes, small_models):
    fetched_base(hub_endpoint, nodes, small_models["bloom"], "causal")
    record = verify(nodes.place("base", "base"), "base.json")
    model = load_model(nodes.place("base", "base"))
    embeddings = model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight is embeddings
    stored = sum(tensor.numel() for tensor in model.state_dict().values())
    assert record["parameters"] == stored - embeddings.numel()


def test_weights_are_linked_and_small_files_are_copied(hub_endpoint, nodes, small_models):
    fetched_base(hub_endpoint, nodes, small_models["llama"], "causal")
    there, here = nodes.place("fetched", "fetched") / "files", nodes.place("base", "base")
    for name in verify(here, "base.json")["files"]:
        same = os.path.samefile(there / name, here / name)
        assert same == name.endswith(".safetensors"), name


def test_weights_are_copied_where_links_are_not_possible(
    hub_endpoint, nodes, small_models, monkeypatch
):
    def no_links(*arguments):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    assert fetched_base(hub_endpoint, nodes, small_models["bloom"], "causal") == 0
    here = nodes.place("base", "base")
    verify(here, "base.json")
    assert not (here / "model.safetensors").samefile(
        nodes.place("fetched", "fetched") / "files" / "model.safetensors"
    )


def test_making_a_base_again_gives_the_same_files(hub_endpoint, nodes, small_models):
    fetched_base(hub_endpoint, nodes, small_models["llama"], "causal")
    before = verify(nodes.place("base", "base"), "base.json")["files"]
    assert nodes.run("base", nodes.ids["base"]) == 0
    assert verify(nodes.place("base", "base"), "base.json")["files"] == before


def test_an_imported_folder_becomes_a_base_and_is_left_as_it_was(nodes, small_models, tmp_path):
    folder = tmp_path / "mine"
    assert imported_base(nodes, folder, small_models["mt0"], "seq2seq") == 0
    record = verify(nodes.place("base", "base"), "base.json")
    assert record["origin"] == {"path": str(folder)}
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == {
        name: content for name, content in small_models["mt0"].items() if "/" not in name
    }


def test_a_folder_that_changed_since_it_was_planned_is_refused(
    nodes, small_models, tmp_path, capsys
):
    folder = tmp_path / "mine"
    imported_base(nodes, folder, small_models["bloom"], "causal")
    node = import_node(nodes, folder, "causal")
    spec = json.loads((nodes.results / "specs" / f"{node}.json").read_text())
    other = nodes.write("other", **spec)
    (folder / "generation_config.json").write_text("{}")
    assert nodes.run("base", other) == 2
    assert "have changed since" in capsys.readouterr().err
    assert not nodes.place("base", "other").exists()


@pytest.mark.parametrize(
    ("name", "family", "words"),
    [
        ("mt0", "causal", ("expected a decoder", "found an encoder-decoder", "'mt5'", "`family`")),
        ("llama", "seq2seq", ("expected an encoder-decoder", "found a decoder", "'llama'")),
    ],
)
def test_a_checkpoint_of_another_family(
    hub_endpoint, nodes, small_models, capsys, name, family, words
):
    status = fetched_base(hub_endpoint, nodes, small_models[name], family)
    refused(nodes, capsys, status, *words)


def changed(files: dict, **changes) -> dict:
    """The files with the configuration's keys changed."""
    config = json.loads(files["config.json"]) | changes
    return {**files, "config.json": json.dumps(config).encode()}


def without(files: dict, *names: str) -> dict:
    return {name: content for name, content in files.items() if name not in names}


def wrong_checkpoints(models: dict) -> dict[str, tuple[str, dict, tuple[str, ...]]]:
    """(family, files, words that the sentence holds) by what is wrong."""
    bloom, llama = models["bloom"], models["llama"]
    shard = sorted(name for name in llama if "-of-" in name)[1]
    cut = bloom["model.safetensors"][:-7]
    larger = json.loads(bloom["tokenizer.json"])
    vocabulary = larger["model"]["vocab"]
    vocabulary |= {f"word{number}": len(vocabulary) + number for number in range(50)}
    other = {"tokenizer.json": json.dumps(larger).encode()}
    return {
        "a missing shard": ("causal", without(llama, shard), ("the shard", shard, "missing")),
        "a shard that is cut": (
            "causal",
            {**llama, shard: llama[shard][:-5]},
            (shard, "truncated"),
        ),
        "weights that are cut": ("causal", {**bloom, "model.safetensors": cut}, ("is truncated",)),
        "no fast tokenizer": ("causal", without(bloom, "tokenizer.json"), ("no fast tokenizer",)),
        "a broken tokenizer": ("causal", {**bloom, "tokenizer.json": b"{}"}, ("cannot be read",)),
        "no configuration": ("causal", without(bloom, "config.json"), ("config.json",)),
        "an unknown architecture": (
            "causal",
            changed(bloom, model_type="nothing"),
            ("not have this architecture", "never run"),
        ),
        "code of its own": (
            "causal",
            changed(bloom, model_type="own", auto_map={"AutoConfig": "own.Config"}),
            ("never run",),
        ),
        "a deeper configuration": ("causal", changed(bloom, n_layer=3), ("lack", "incomplete")),
        "a wider configuration": (
            "causal",
            changed(bloom, hidden_size=32),
            ("with shape", "different"),
        ),
        "another's tokenizer": ("causal", {**bloom, **other}, ("tokens", "two different models")),
        "a masked model": (
            "causal",
            changed(bloom, architectures=["BloomForMaskedLM"]),
            ("found a masked language model",),
        ),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "a missing shard",
        "a shard that is cut",
        "weights that are cut",
        "no fast tokenizer",
        "a broken tokenizer",
        "no configuration",
        "an unknown architecture",
        "code of its own",
        "a deeper configuration",
        "a wider configuration",
        "another's tokenizer",
        "a masked model",
    ],
)
def test_a_wrong_checkpoint_is_one_sentence(nodes, small_models, tmp_path, capsys, wrong):
    family, files, words = wrong_checkpoints(small_models)[wrong]
    status = imported_base(nodes, tmp_path / "mine", files, family)
    refused(nodes, capsys, status, *words)


def test_the_digest_of_weights_is_that_of_the_file_or_over_the_shards():
    def manifest(**hashes):
        return {"files": {name: {"size": 1, "sha256": sha} for name, sha in hashes.items()}}

    single = {"model.safetensors": "a", "config.json": "b", "method_state.safetensors": "c"}
    assert weights_digest(manifest(**single)) == "a"
    shards = {"model-1-of-2.safetensors": "a", "model-2-of-2.safetensors": "b"}
    assert weights_digest(manifest(**shards, **{"config.json": "c"})) == digest(shards)
    swapped = {"model-1-of-2.safetensors": "b", "model-2-of-2.safetensors": "a"}
    assert weights_digest(manifest(**swapped)) != weights_digest(manifest(**shards))
