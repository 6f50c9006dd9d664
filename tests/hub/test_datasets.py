"""Every dataset of the paper's study through the hub's protocol: fetched, prepared, scored."""

import sys
from pathlib import Path

import pytest

from lethe.artefacts.files import sha256_file
from lethe.artefacts.manifests import publish, verify
from lethe.artefacts.nodes import read_results
from lethe.artefacts.paths import MANIFEST, node_directory

LOADERS_TESTS = Path(__file__).parents[1] / "loaders"
sys.path[:0] = [str(LOADERS_TESTS), str(LOADERS_TESTS.parent / "unit")]

import evaluation_tables  # noqa: E402
import evaluation_world  # noqa: E402
import raw_tables  # noqa: E402
from test_loaders import spec_of  # noqa: E402


def serve(endpoint, repo: str, folder: Path) -> str:
    """Serve a folder as a dataset's repository; its revision."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return endpoint.serve({repo: files}, "dataset")[repo]


@pytest.mark.parametrize("name", raw_tables.TABLES)
def test_what_is_fetched_is_prepared_as_local_files_are(name, hub_endpoint, nodes, tmp_path):
    roads = raw_tables.TABLES[name](tmp_path / "raw")
    revision = serve(hub_endpoint, "some/data", roads.hub)
    fetched = nodes.fetched("some/data", revision, repo_type="dataset")
    assert nodes.run("fetch", fetched) == 0
    made = []
    for hub in (True, False):
        spec = spec_of(name, roads, hub) | ({"fetched": fetched} if hub else {})
        for file in spec.get("files", {}).values():
            file["sha256"] = sha256_file(file["path"])
        node = nodes.write(f"data-{hub}", **spec)
        assert nodes.run("data", node) == 0
        manifest = verify(nodes.place("data", node), MANIFEST["data"])
        made.append({file: entry["sha256"] for file, entry in manifest["files"].items()})
    assert made[0] == made[1]


@pytest.mark.slow
def test_evaluation_sets_are_scored_as_they_were_fetched(hub_endpoint, nodes, tmp_path):
    from lethe.config.reading import read_catalogue, read_study

    catalogue = read_catalogue(read_study())
    tasks = []
    for name, entry in catalogue.probes["luo2023"].tasks.items():
        name_of_set = f"set-{entry.source}"
        if name_of_set not in nodes.ids:
            folder = tmp_path / entry.source
            evaluation_tables.REPOSITORIES[entry.source](folder)
            repo = catalogue.sources[entry.source].repo
            revision = serve(hub_endpoint, repo, folder)
            spec = {"kind": "fetched", "repo": repo, "repo_type": "dataset", "revision": revision}
            node = nodes.write(name_of_set, **spec, include=[], gated=False)
            assert nodes.run("fetch", node) == 0
        known = entry.model_dump(exclude={"source"})
        tasks.append(
            {"name": name, **known, "data": nodes.ids[name_of_set], "data_kind": "fetched"}
        )
    base = node_directory(nodes.results, "base", "tiny-0")
    evaluation_world.write_checkpoint(base)
    publish(base, "base.json", {"parameters": 1}, [path.name for path in base.iterdir()])
    spec = {"kind": "probe", "checkpoint": "tiny-0", "checkpoint_kind": "base", "probe": "luo2023"}
    spec |= {"include": None, "split": "test", "limit": 2, "engine": "stock", "dtype": "float32"}
    node = nodes.write("probe", **spec, tasks=tasks)
    assert nodes.run("probe", node) == 0
    found = read_results(nodes.results, "probe", node)["results"]
    assert [result["task"] for result in found] == [task["name"] for task in tasks]
    assert all(result["n"] >= 2 for result in found)
