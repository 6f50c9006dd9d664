"""Code in a repository of the hub is neither fetched nor run."""

import pytest
from traps import UNKNOWN, lay_traps

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("changes", "status"), [({}, 0), (UNKNOWN, 2)])
def test_a_fetched_base_runs_no_code(hub_endpoint, nodes, small_models, tmp_path, changes, status):
    folder, mark = tmp_path / "repository", tmp_path / "mark"
    folder.mkdir()
    for name in ("config.json", "tokenizer_config.json"):
        (folder / name).write_bytes(small_models["bloom"][name])
    lay_traps(folder, mark, **changes)
    laid = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    revision = hub_endpoint.serve({"someone/own": {**small_models["bloom"], **laid}})["someone/own"]
    assert nodes.run("fetch", nodes.fetched("someone/own", revision)) == 0
    assert nodes.run("base", nodes.base("causal")) == status
    assert not mark.exists() and not list(nodes.results.rglob("*.py"))
