"""What is generated from the typed configuration is up to date, and editors can use it."""

import json
import re
from pathlib import Path
from urllib.parse import urlparse

import jsonschema
import pytest
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from lethe.artefacts.paths import PROJECT, SCHEMAS
from lethe.commands.schema import MANUAL, PAGES, schemas, with_generated

CONFIG = PROJECT / "config"
FILES = sorted(
    path
    for folder in (".", "catalogue", "examples", "tuning")
    for path in (CONFIG / folder).glob("*.yaml")
)


class EditorsLoader(yaml.SafeLoader):
    """Editors read YAML 1.2, where `1e-4` is a number."""


EditorsLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def as_an_editor_reads(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader=EditorsLoader)


def named_schema(path):
    """The schema that the first line of a YAML file names."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    name = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert name, f"{path}: the first line names no schema"
    return (path.parent / name[1]).resolve()


def validator(schema):
    return jsonschema.Draft202012Validator({"$ref": schema.as_uri()}, registry=REGISTRY)


def from_disk(address):
    content = Path(urlparse(address).path).read_text(encoding="utf-8")
    return DRAFT202012.create_resource(json.loads(content))


REGISTRY = Registry(retrieve=from_disk)


def test_the_schemas_on_disk_are_those_of_the_types_and_no_others():
    assert {str(path.relative_to(SCHEMAS)) for path in SCHEMAS.rglob("*.json")} == schemas().keys()
    for name, content in schemas().items():
        on_disk = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
        assert on_disk == content, "run `lethe schema`"


@pytest.mark.parametrize("page", PAGES)
def test_the_manuals_tables_are_those_of_the_typed_configuration(page):
    text = (MANUAL / page).read_text(encoding="utf-8")
    assert with_generated(page, text) == text, "run `lethe schema`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIG)))
def test_every_shipped_file_names_a_schema_that_it_fits_and_that_refuses_a_wrong_key(path):
    content = as_an_editor_reads(path)
    check = validator(named_schema(path))
    assert not [error.message for error in check.iter_errors(content)]
    assert not check.is_valid({**content, "a key": 5})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIG)))
def test_a_file_of_the_catalogue_has_the_schema_of_its_kind(path):
    expected = "config"
    if path.parent.name == "catalogue":
        expected = f"catalogue/{path.stem}"
    assert named_schema(path) == SCHEMAS / f"{expected}.schema.json"


@pytest.mark.parametrize(
    "study",
    [
        {"modells": ["xs"]},
        {"models": "xs"},
        {"limit": 0},
        {"seeds": {"bse": [1]}},
        {"define": {"models": {"m": {"famly": "causal"}}}},
        {"define": {"tasks": {"t": {"file": "no source.jsonl"}}}},
        {"define": {"orders": {"o": ["simp &general"]}}},
    ],
)
def test_an_editor_shows_a_mistake(study):
    assert not validator(SCHEMAS / "config.schema.json").is_valid(study)


def test_a_study_may_leave_out_what_the_default_one_has():
    assert validator(SCHEMAS / "config.schema.json").is_valid({"seeds": {"train": [1, 2]}})
