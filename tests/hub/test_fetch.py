"""What is fetched, how it is recorded, and that it survives what networks do."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from lethe.artefacts.files import read_json
from lethe.artefacts.manifests import verify
from lethe.artefacts.paths import fetched_files, revisions_file
from lethe.errors import UserError
from lethe.sources.hub.revisions import recorded_revision

REPO = "someone/model"


def fetch_record(nodes) -> dict:
    return verify(nodes.place("fetched", "fetched"), "fetch.json")


def test_a_model_is_fetched_whole_with_hashes_and_without_what_is_never_loaded(
    hub_endpoint, nodes, small_models
):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    assert nodes.run("fetch", nodes.fetched(REPO, revision)) == 0
    record = fetch_record(nodes)
    assert record["revision"] == revision and record["resolution"] == "pinned"
    place = nodes.place("fetched", "fetched") / "files"
    names = sorted(path.name for path in place.iterdir())
    assert names == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    for name in names:
        assert (place / name).read_bytes() == small_models["bloom"][name]
    assert record["bytes"] == sum(entry["size"] for entry in record["files"].values())
    assert "pytorch_model.bin" not in hub_endpoint.fetched_paths()


def test_sharded_weights_come_with_their_index(hub_endpoint, nodes, small_models):
    revision = hub_endpoint.serve({REPO: small_models["llama"]})[REPO]
    assert nodes.run("fetch", nodes.fetched(REPO, revision)) == 0
    fetched = set(fetch_record(nodes)["files"])
    shards = {name for name in small_models["llama"] if name.endswith(".safetensors")}
    assert len(shards) > 2
    assert {f"files/{name}" for name in [*shards, "model.safetensors.index.json"]} <= fetched


def test_a_dataset_is_fetched_by_its_patterns(hub_endpoint, nodes):
    files = {"data/train-0.parquet": b"a", "data/test-0.parquet": b"b", "README.md": "c"}
    revision = hub_endpoint.serve({"some/data": files}, repo_type="dataset")["some/data"]
    node = nodes.fetched("some/data", revision, repo_type="dataset", include=["data/*"])
    assert nodes.run("fetch", node) == 0
    place = fetched_files(nodes.results, node)
    assert (place / "data" / "train-0.parquet").read_bytes() == b"a"
    assert (place / "data" / "test-0.parquet").read_bytes() == b"b"
    assert not (place / "README.md").exists()


def test_an_open_revision_is_looked_up_once_and_never_again(hub_endpoint, nodes, small_models):
    first = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    node = nodes.fetched(REPO)
    assert nodes.run("fetch", node) == 0
    assert fetch_record(nodes)["resolution"] == "resolved, not pinned"
    recorded = read_json(revisions_file(nodes.results))
    assert recorded[f"models/{REPO}"]["revision"] == first
    # The repository moves on; what was recorded is asked for again, and is there no longer.
    second = hub_endpoint.serve({REPO: {**small_models["bloom"], "new.txt": b"!"}})[REPO]
    assert second != first
    shutil.rmtree(nodes.place("fetched", node))
    assert nodes.run("fetch", node) == 2
    assert read_json(revisions_file(nodes.results)) == recorded


def test_fetches_at_the_same_time_record_one_revision_each(tmp_path):
    results = tmp_path / "results"

    def look_up(number: int) -> str:
        return recorded_revision(results, "model", f"a/{number % 4}", lambda: f"{number:040x}")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look_up, range(32)))
    recorded = read_json(revisions_file(results))
    assert sorted(recorded) == [f"models/a/{number}" for number in range(4)]
    for number, revision in enumerate(found):
        assert revision == recorded[f"models/a/{number % 4}"]["revision"]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub_endpoint, nodes, small_models):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    hub_endpoint.cut["model.safetensors"] = 3
    assert nodes.run("fetch", nodes.fetched(REPO, revision)) == 0
    assert hub_endpoint.fetched_paths().count("model.safetensors") >= 4
    place = nodes.place("fetched", "fetched") / "files"
    assert (place / "model.safetensors").read_bytes() == small_models["bloom"]["model.safetensors"]


def test_files_that_are_whole_are_not_fetched_again(
    hub_endpoint, nodes, small_models, monkeypatch, capsys
):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    node = nodes.fetched(REPO, revision)
    hub_endpoint.alter.add("tokenizer.json")
    assert nodes.run("fetch", node) == 2
    assert "tokenizer.json: expected" in capsys.readouterr().err
    assert not nodes.place("fetched", node).exists(), "half a repository is in its place"
    hub_endpoint.alter.clear()
    before = len(hub_endpoint.fetched_paths())
    assert nodes.run("fetch", node) == 0
    assert set(hub_endpoint.fetched_paths()[before:]) == {"tokenizer.json", "tokenizer_config.json"}
    fetch_record(nodes)


def test_a_token_goes_to_the_hub_and_to_no_other_host(
    hub_endpoint, nodes, small_models, monkeypatch
):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]}, gated=True)[REPO]
    monkeypatch.setenv("HF_TOKEN", "hf_granted")
    hub_endpoint.granted.add("hf_granted")
    assert nodes.run("fetch", nodes.fetched(REPO, revision, gated=True)) == 0
    with_token = {path.startswith("/cdn/"): token for _, path, token in hub_endpoint.requests}
    assert with_token == {False: True, True: False}
    assert "hf_granted" not in json.dumps(fetch_record(nodes))


@pytest.mark.parametrize("moved", [False, True])
def test_a_fetch_that_ended_before_its_manifest_goes_on(hub_endpoint, nodes, small_models, moved):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    node = nodes.fetched(REPO, revision)
    assert nodes.run("fetch", node) == 0
    for name in ("fetch.json", ".fetch.json"):
        (nodes.place("fetched", node) / name).unlink()
    if not moved:
        place = fetched_files(nodes.results, node)
        place.rename(nodes.results / "work" / node / "files")
    before = hub_endpoint.fetched_paths().count("model.safetensors")
    assert nodes.run("fetch", node) == 0
    assert hub_endpoint.fetched_paths().count("model.safetensors") == before
    fetch_record(nodes)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"5", b"\xff", b'{"models/a/b": 5}', b'{"models/a/b": {}}'],
    ids=repr,
)
def test_a_record_of_revisions_that_is_damaged_says_what_to_do(tmp_path, content):
    path = revisions_file(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(UserError, match="revisions.json: .*remove it to look the revisions up"):
        recorded_revision(tmp_path, "model", "a/b", lambda: "0" * 40)
    path.unlink()
    assert recorded_revision(tmp_path, "model", "a/b", lambda: "0" * 40) == "0" * 40
