"""The packages of real data: fetched, made into sets and tasks, without a leak or a shortcut."""

import os
from pathlib import Path

import pytest

# Nothing heavy is imported where these tests are not asked for.
pytestmark = [pytest.mark.real, pytest.mark.slow]

SETS = {
    "definitions": 300,
    "words": 300,
    "kinds": 300,
    "opposites": 240,
    "capitals": 240,
    "endings": 300,
    "gaps": 300,
}
"""Items of a test split, at least."""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder of the data that the catalogue's source `real` describes."""
    from lethe.artefacts.paths import node_directory
    from lethe.cli import main
    from lethe.config.reading import read_catalogue, read_study
    from lethe.errors import UserError
    from lethe.planning.data import add_data
    from lethe.planning.nodes import Plan
    from lethe.planning.records import write_specs
    from lethe.sources.packages.fetch import fetch_package

    kept = Path(os.environ.get("LETHE_REAL", tmp_path_factory.mktemp("real")))
    plan = Plan(results=str(kept))
    data = add_data(plan, read_catalogue(read_study()), "real", None)
    write_specs(plan, kept)
    try:
        for fetched in plan.of_kind("fetched"):
            fetch_package(fetched.id, fetched.spec, kept)
    except UserError as error:
        pytest.skip(f"a package is not to be had here: {error}")
    assert main(["data", data.id, "--results", str(kept)]) == 0
    return node_directory(kept, "data", data.id)


def test_no_shortcut_is_five_points_above_chance_in_any_set(made):
    from lethe.artefacts.files import read_json
    from lethe.sources.real.shortcuts import ALLOWED

    rows = read_json(made / "shortcuts.json")
    assert {row["set"] for row in rows} == set(SETS)
    for row in rows:
        assert row["above"] < ALLOWED, row
        assert row["items"] >= SETS[row["set"]]


def test_no_rule_of_leakage_is_broken(made):
    from lethe.artefacts.files import read_json
    from lethe.sources.real.leakage import RULES

    assert read_json(made / "leakage.json") == dict.fromkeys(RULES, 0)
