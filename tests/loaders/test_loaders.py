"""Every loader, on small files with the exact columns of the real source, on both roads."""

import json
from pathlib import Path

import pytest
import raw_tables
from raw_tables import TABLES

from lethe.artefacts.paths import PACKAGE
from lethe.errors import UserError
from lethe.sources.loaders.registry import LOADERS
from lethe.sources.parameters import source_parameters
from lethe.sources.prepare import prepare


def spec_of(name: str, roads: raw_tables.Roads, hub: bool, **changes) -> dict:
    spec = {"kind": "data", "name": name, "loader": name, "subset": roads.subset}
    given = {**roads.parameters, **changes}
    if not hub:
        given.pop("splits", None)
    spec["parameters"] = source_parameters(f"sources.{name}", "files", name, given)
    if hub:
        return {**spec, "source": "hub", "fetched": "fetched-0"}
    files = {key: {"path": str(path), "sha256": ""} for key, path in roads.local.items()}
    return {**spec, "source": "files", "files": files}


def rows(path: Path) -> list[dict]:
    # Not splitlines, which also breaks at separators that stand within texts.
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


@pytest.fixture(scope="module")
def roads(tmp_path_factory):
    return {name: table(tmp_path_factory.mktemp(name)) for name, table in TABLES.items()}


def test_every_loader_of_the_registry_has_a_table_with_its_real_columns():
    folder = PACKAGE / "sources" / "loaders"
    registering = {p.stem for p in folder.glob("*.py") if "@register(" in p.read_text()}
    assert set(LOADERS) == set(TABLES)
    assert registering == {loader.__module__.rpartition(".")[2] for loader in LOADERS.values()}


@pytest.mark.parametrize("name", TABLES)
def test_both_roads_end_in_the_same_prepared_data(name, roads, tmp_path):
    facts = {
        road: prepare(spec_of(name, roads[name], road == "hub"), tmp_path / road, folder)
        for road, folder in (("hub", roads[name].hub), ("local", None))
    }
    assert facts["hub"]["prepared"] == facts["local"]["prepared"]
    for file in facts["hub"]["prepared"]:
        assert (tmp_path / "hub" / file).read_bytes() == (tmp_path / "local" / file).read_bytes()
    for split, counts in facts["hub"]["rows"].items():
        local = facts["local"]["rows"][split]
        assert counts["written"] == local["written"] and counts["kept"] == local["kept"]
        assert sum(counts["written"].values()) > 0


@pytest.mark.parametrize("name", TABLES)
def test_prepared_rows_have_the_schema_and_the_counts_of_the_manifest(name, roads, tmp_path):
    facts = prepare(spec_of(name, roads[name], True), tmp_path, roads[name].hub)
    files = {"train": "train.jsonl", "validation": "dev.jsonl", "test": "test.jsonl"}
    for split, counts in facts["rows"].items():
        found = rows(tmp_path / files[split])
        assert len(found) == sum(counts["written"].values())
        assert len({row["id"] for row in found}) == len(found)
        for row in found:
            keys = raw_tables.KEYS.get(name, ("prompt", "response"))
            assert all(isinstance(row[key], str) and row[key] for key in keys)
            assert split == "train" or row.get("references") or name in raw_tables.KEYS
    assert set(LOADERS[name].needed) <= facts["rows"].keys()


def test_no_held_out_row_is_trained_on(roads, tmp_path):
    prepare(spec_of("wiki_auto", roads["wiki_auto"], True), tmp_path, roads["wiki_auto"].hub)
    sources = [row["source"] for row in rows(tmp_path / "test.jsonl")]
    assert len(sources) == 5
    prompts = [row["prompt"] for row in rows(tmp_path / "train.jsonl")]
    assert len(prompts) == raw_tables.ROWS - 8
    assert not any(source in prompt for source in sources for prompt in prompts)


def test_a_table_without_any_known_column_is_told_of_all_that_there_could_be(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "a", "answer": "b"}\n')
    spec = {"name": "mine", "loader": "generic", "subset": None}
    spec["parameters"] = source_parameters("sources.mine", "files", "generic", {})
    spec["files"] = {"train": {"path": str(path), "sha256": ""}}
    with pytest.raises(UserError, match="expected the columns prompt and response, or text, found"):
        prepare(spec, tmp_path, None)


def test_missing_columns_are_named_with_what_was_found_and_the_key(roads, tmp_path):
    bad = roads["alpaca"].local["train"].with_name("renamed.json")
    content = json.loads(roads["alpaca"].local["train"].read_text())
    for row in content:
        row["answer"] = row.pop("output")
    bad.write_text(json.dumps(content))
    spec = spec_of("alpaca", roads["alpaca"], False)
    spec["files"] = {"train": {"path": str(bad), "sha256": ""}}
    sentence = "sources.alpaca: expected the column output, found instruction, input, answer"
    with pytest.raises(UserError, match=sentence):
        prepare(spec, tmp_path, None)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    spec["parameters"]["columns"] = {"response": "answer"}
    assert prepare(spec, tmp_path, None)["rows"]["train"]["kept"] == raw_tables.ROWS
