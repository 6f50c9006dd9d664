"""The real packages: fetched, made into sets and tasks, with no leak and no shortcut."""

import pytest

from lethe.artefacts.files import read_json
from lethe.artefacts.jsonlines import read_rows
from lethe.artefacts.paths import node_directory
from lethe.cli import main
from lethe.config.reading import read_catalogue, read_study
from lethe.planning.data import add_data
from lethe.planning.nodes import Plan
from lethe.sources.real import leakage, shortcuts
from lethe.sources.world.parts import content_id

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the data that the catalogue's source `real` describes."""
    from node_specs import write_node

    results, plan = tmp_path_factory.mktemp("results"), Plan()
    data = add_data(plan, read_catalogue(read_study()), "real", None)
    for node in plan.nodes.values():
        write_node(results, node)
    for package in data.spec["packages"]:
        assert main(["fetch", package["fetched"], "--results", str(results)]) == 0
    assert main(["data", data.id, "--results", str(results)]) == 0
    return node_directory(results, "data", data.id)


def test_no_shortcut_is_five_points_above_chance_in_any_set(made):
    for row in read_json(made / "shortcuts.json"):
        assert row["above"] < shortcuts.ALLOWED, row
        assert row["items"] >= 276


def test_nothing_leaks(made):
    assert read_json(made / "leakage.json") == dict.fromkeys(leakage.RULES, 0)


def test_the_items_are_those_that_the_manual_counts(made):
    sizes = {path.name: len(read_rows(path / "test.jsonl"))
             for path in (made / "eval" / "data").iterdir()}  # fmt: skip
    assert {name: n for name, n in sizes.items() if n not in (120, 300)} == {}
