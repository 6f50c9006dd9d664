"""What is generated from the typed configuration is up to date."""

import json

from lethe.artefacts.paths import PROJECT
from lethe.commands.schema import MANUAL, SCHEMAS, schema, with_tables


def test_the_schemas_on_disk_are_those_of_the_typed_configuration():
    for name, model in SCHEMAS.items():
        on_disk = json.loads((PROJECT / "workflow" / "schemas" / name).read_text())
        assert on_disk == schema(model), "run `lethe schema`"


def test_the_manuals_tables_are_those_of_the_typed_configuration():
    text = MANUAL.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run `lethe schema`"
