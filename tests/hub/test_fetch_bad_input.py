"""Whatever the hub refuses is one sentence that says what to do, and nothing is half written."""

import pytest

from lethe.artefacts.paths import revisions_file
from lethe.sources.hub import fetch as fetching

REPO = "someone/model"
ABSENT = "0123456789abcdef0123456789abcdef01234567"


def refused(nodes, capsys, node: str, *words: str) -> str:
    """Fetch, be refused in one sentence that holds the words, and leave nothing in place."""
    assert nodes.run("fetch", node) == 2
    told = capsys.readouterr().err.strip().removeprefix("lethe: ")
    assert "\n" not in told and told.endswith("."), told
    for word in words:
        assert word in told, told
    assert not nodes.place("fetched", node).exists()
    return told


def test_a_gated_model_without_a_token(hub_endpoint, nodes, small_models, capsys):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]}, gated=True)[REPO]
    page = f"{hub_endpoint.url}/{REPO}"
    for declared in (False, True):
        node = nodes.fetched(REPO, revision, gated=declared)
        refused(nodes, capsys, node, REPO, f"accept its terms at {page}", "hf auth login")


def test_a_gated_dataset_with_a_token_that_has_no_access(hub_endpoint, nodes, capsys, monkeypatch):
    revision = hub_endpoint.serve({"a/b": {"x.json": "{}"}}, "dataset", gated=True)["a/b"]
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    node = nodes.fetched("a/b", revision, repo_type="dataset", gated=True)
    told = refused(nodes, capsys, node, f"{hub_endpoint.url}/datasets/a/b", "no access")
    assert "hf_stranger" not in told


@pytest.mark.parametrize("revision", [ABSENT, None])
def test_a_repository_that_does_not_exist(hub_endpoint, nodes, capsys, revision):
    node = nodes.fetched("no/body", revision)
    refused(nodes, capsys, node, "There is no model no/body", "catalogue")
    assert not revisions_file(nodes.results).exists()


def test_a_revision_that_does_not_exist(hub_endpoint, nodes, small_models, capsys):
    hub_endpoint.serve({REPO: small_models["bloom"]})
    refused(nodes, capsys, nodes.fetched(REPO, ABSENT), REPO, ABSENT, "correct its `revision`")


def test_a_name_that_is_none(hub_endpoint, nodes, capsys):
    refused(nodes, capsys, nodes.fetched("a/b/c"), "'a/b/c'", "OWNER/NAME")


def test_a_repository_with_pickled_weights_only(hub_endpoint, nodes, small_models, capsys):
    files = {n: c for n, c in small_models["bloom"].items() if not n.endswith(".safetensors")}
    revision = hub_endpoint.serve({REPO: files})[REPO]
    node = nodes.fetched(REPO, revision)
    refused(nodes, capsys, node, "only pickled weights (pytorch_model.bin)", "`revision`", "import")
    assert hub_endpoint.fetched_paths() == []


def test_a_repository_that_lacks_a_shard(hub_endpoint, nodes, small_models, capsys):
    shard = sorted(name for name in small_models["llama"] if "-of-" in name)[1]
    files = {name: content for name, content in small_models["llama"].items() if name != shard}
    revision = hub_endpoint.serve({REPO: files})[REPO]
    refused(nodes, capsys, nodes.fetched(REPO, revision), REPO, shard)


def test_an_index_that_names_a_file_elsewhere(hub_endpoint, nodes, small_models, capsys):
    index = '{"metadata": {}, "weight_map": {"w": "../../outside.safetensors"}}'
    files = {**small_models["llama"], "model.safetensors.index.json": index}
    revision = hub_endpoint.serve({REPO: files})[REPO]
    refused(nodes, capsys, nodes.fetched(REPO, revision), "../../outside.safetensors")


def test_a_pattern_that_fits_no_file(hub_endpoint, nodes, capsys):
    revision = hub_endpoint.serve({"a/b": {"train.json": "{}"}}, "dataset")["a/b"]
    node = nodes.fetched("a/b", revision, repo_type="dataset", include=["*.parquet"])
    refused(nodes, capsys, node, "`include: *.parquet`", "found train.json")


def test_a_download_that_is_always_cut(hub_endpoint, nodes, small_models, capsys):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    hub_endpoint.cut["model.safetensors"] = 10**6
    # Half of what is left comes each time, so that the last bytes never do.
    refused(nodes, capsys, nodes.fetched(REPO, revision), REPO, "interrupted", "run again")


def test_a_file_that_is_altered_on_the_way(hub_endpoint, nodes, small_models, capsys):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    hub_endpoint.alter.add("model.safetensors")
    node = nodes.fetched(REPO, revision)
    refused(nodes, capsys, node, "model.safetensors: expected", "other content", "run again")


def test_a_disk_that_is_too_small(hub_endpoint, nodes, small_models, capsys, monkeypatch):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    usage = fetching.shutil.disk_usage("/")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage._replace(free=10))
    refused(nodes, capsys, nodes.fetched(REPO, revision), "0.0 GB are free", "output")
    assert hub_endpoint.fetched_paths() == []


def test_no_network_at_all(hub_endpoint, nodes, capsys, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(nodes, capsys, nodes.fetched(REPO), "127.0.0.1:9 cannot be reached", "HF_ENDPOINT")


def test_a_network_that_is_switched_off(hub_endpoint, nodes, capsys, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(nodes, capsys, nodes.fetched(REPO), "HF_HUB_OFFLINE=0 lethe fetch")


def test_a_file_that_vanishes_while_it_is_fetched(
    hub_endpoint, nodes, small_models, capsys, monkeypatch
):
    revision = hub_endpoint.serve({REPO: small_models["bloom"]})[REPO]
    listed = fetching.list_files

    def list_and_remove(*arguments):
        found = listed(*arguments)
        del hub_endpoint.repositories["model", REPO].files["tokenizer.json"]
        return found

    monkeypatch.setattr(fetching, "list_files", list_and_remove)
    refused(nodes, capsys, nodes.fetched(REPO, revision), "A file of", "missing", "run again")
    assert not (nodes.place("fetched", "fetched") / "files").exists()
