"""Write what is generated from the typed configuration: JSON schemas and the manual's tables."""

import argparse
import json
from pathlib import Path
from typing import get_args

from lethe.artefacts.files import write_atomic, write_json
from lethe.artefacts.paths import PROJECT
from lethe.config.catalogue import Catalogue, Seeds, Study
from lethe.parameters.entries import Entry

SCHEMAS = {"config.schema.json": Study, "catalogue.schema.json": Catalogue}
MANUAL = PROJECT / "config" / "README.md"
NESTED = {
    "probes": "an evaluation task",
    "recipes": "values tuned for a method",
    "claims": "a part",
}
BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=PROJECT, help="of the workflow")


def run(arguments: argparse.Namespace) -> None:
    for name, model in SCHEMAS.items():
        write_json(arguments.folder / "workflow" / "schemas" / name, schema(model))
    manual = arguments.folder / "config" / "README.md"
    write_atomic(manual, with_tables(manual.read_text(encoding="utf-8")))


def schema(model: type[Entry]) -> dict:
    """The JSON schema of a model, for editors and other tools."""
    return json.loads(json.dumps(model.model_json_schema()))


def with_tables(manual: str) -> str:
    """The manual with its tables of keys made anew between the two marks."""
    before, _, rest = manual.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}{END}{after}"


def tables() -> str:
    """One Markdown table for the study, its seeds, and each kind of catalogue entry."""
    parts = [_table("A study", Study), _table("seeds", Seeds)]
    for kind, field in Catalogue.model_fields.items():
        entry = get_args(field.annotation)[1]
        if isinstance(entry, type) and issubclass(entry, Entry):
            parts.append(_table(f"catalogue/{kind}.yaml", entry))
            for nested in entry.model_fields.values():
                inner = get_args(nested.annotation)
                if len(inner) == 2 and isinstance(inner[1], type) and issubclass(inner[1], Entry):
                    parts.append(_table(f"catalogue/{kind}.yaml, {NESTED[kind]}", inner[1]))
    return "\n".join(parts)


def _table(title: str, model: type[Entry]) -> str:
    lines = [f"### {title}", "", "| key | default | what it is |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if field.is_required():
            default = "must be given"
        elif isinstance(field.default, Entry):
            default = "`{}`"
        else:
            default = f"`{json.dumps(field.default)}`"
        lines.append(f"| `{field.alias or name}` | {default} | {field.description or ''} |")
    return "\n".join(lines) + "\n"
