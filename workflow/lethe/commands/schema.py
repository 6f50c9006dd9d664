"""Write what is generated from the typed configuration: JSON schemas and the manual's tables."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from lethe.artefacts.files import write_atomic, write_json
from lethe.artefacts.paths import PROJECT
from lethe.config.catalogue import Catalogue, Seeds, Study
from lethe.config.reading import files_in
from lethe.methods.parameters.base import parameters_of
from lethe.models.built_config import TABLE, config_types, table
from lethe.parameters.entries import Entry, Parameters
from lethe.sources.loaders.parameters import LOADERS, SHARED
from lethe.sources.parameters import GENERATORS

SCHEMAS = {"config.schema.json": Study, "catalogue.schema.json": Catalogue}
MANUAL = PROJECT / "config" / "README.md"
NESTED = {
    "probes": "an evaluation task",
    "recipes": "values tuned for a method",
    "claims": "a part",
}
KEYS = ("<!-- keys: begin -->", "<!-- keys: end -->")
PARAMETERS = ("<!-- parameters: begin -->", "<!-- parameters: end -->")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=PROJECT, help="of the workflow")


def run(arguments: argparse.Namespace) -> None:
    from lethe.models.transformers_keys import config_keys  # imports transformers

    write_json(arguments.folder / TABLE.relative_to(PROJECT), config_keys())
    table.cache_clear()
    for name, model in SCHEMAS.items():
        write_json(arguments.folder / "workflow" / "schemas" / name, schema(model))
    manual = arguments.folder / "config" / "README.md"
    write_atomic(manual, with_tables(manual.read_text(encoding="utf-8")))


def schema(model: type[Entry]) -> dict:
    """The JSON schema of a model, for editors and other tools."""
    return json.loads(json.dumps(model.model_json_schema()))


def with_tables(manual: str) -> str:
    """The manual with its tables of keys and of parameters made anew between their marks."""
    for (begin, end), text in ((KEYS, tables()), (PARAMETERS, parameter_tables())):
        before, _, rest = manual.partition(begin)
        _, _, after = rest.partition(end)
        manual = f"{before}{begin}\n{text}{end}{after}"
    return manual


def parameter_tables() -> str:
    """One Markdown table for each method, generator, loader and built model."""
    parts = [
        _parameter_table(heading, kind)
        for heading, kinds in known_parameters().items()
        for kind in kinds
    ]
    return "\n".join(parts)


def known_parameters() -> dict[str, list[type[Parameters]]]:
    """All typed parameters, by what they configure."""
    return {
        "Method": [parameters_of(name) for name in files_in("methods")],
        "Generator": list(GENERATORS.values()),
        "Loader": [*SHARED, *LOADERS.values()],
        "Built model": config_types(),
    }


def _parameter_table(heading: str, kind: type[Parameters]) -> str:
    lines = [f"### {heading}: {kind.title or kind.__module__.rpartition('.')[2]}", ""]
    parent, rows = _parent(kind), _parameter_lines(kind, "")
    if parent:
        lines.append(f"Those of *{parent.title}*{', and of its own:' if rows else '.'}")
    elif not rows:
        lines.append("No parameters.")
    if parent and rows:
        lines.append("")
    if rows:
        lines += [
            "| parameter | value | default | what it is | source of the default |",
            "|---|---|---|---|---|",
        ]
    return "\n".join([*lines, *rows]) + "\n"


def _parent(kind: type[Parameters]) -> type[Parameters] | None:
    """The nearest class above that has a table, whose rows are not repeated."""
    return next((above for above in kind.__mro__[1:] if vars(above).get("title")), None)


def _parameter_lines(kind: type[Parameters], prefix: str) -> list[str]:
    lines = []
    parent = _parent(kind)
    for name, field in kind.model_fields.items():
        if parent and name in parent.model_fields:
            if field.default == parent.model_fields[name].default:
                continue
        if isinstance(field.default, Parameters):
            lines += _parameter_lines(type(field.default), f"{prefix}{name}.")
            continue
        cells = [
            f"`{prefix}{name}`",
            allowed(field),
            f"`{json.dumps(field.default)}`",
            field.description or "",
            (field.json_schema_extra or {}).get("source", ""),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def allowed(field: FieldInfo) -> str:
    """In words, the values that a field takes: its type, choices and bounds."""
    return _of_type(field.annotation) + _bounds(field.metadata)


WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", dict: "mapping"}
SIGNS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _of_type(annotation: Any) -> str:
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if get_origin(annotation) is Annotated:
        return _of_type(arguments[0]) + _bounds(arguments[1:])
    if annotation is type(None):
        return "null"
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_of_type(argument) for argument in arguments)
    if get_origin(annotation) in (list, tuple):
        return f"list of {_of_type(arguments[0])}"
    return WORDS.get(get_origin(annotation) or annotation, "")


def _bounds(metadata: Iterable[Any]) -> str:
    words = ""
    for item in metadata:
        if isinstance(item, FieldInfo):
            words += _bounds(item.metadata)
        for sign, word in SIGNS.items():
            if (bound := getattr(item, sign, None)) is not None:
                words += f", {word} {bound}"
    return words


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
