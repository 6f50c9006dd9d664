"""List the methods that a study can name: what each does, what it needs, and what it goes with.

With names: all that is known of these, hyper-parameters and costs too. `lora` is LoRA whose
adapter goes on from stage to stage, `lora:fresh` and `lora:one-a-task` are the other ways to go on;
a study names them `lora`, `lora-fresh` and `lora-a-task` under `parametrisations`.
"""

import argparse
import ast
import json
import re
from collections.abc import Iterable
from typing import Any

from lethe.artefacts.paths import PACKAGE
from lethe.artefacts.strict_yaml import read_yaml
from lethe.commands.arguments import require_listed
from lethe.config.catalogue import MethodEntry
from lethe.config.reading import CATALOGUE
from lethe.errors import UserError, some_of
from lethe.methods.parameters.base import parameters_of
from lethe.parameters.entries import resolved
from lethe.parameters.sentences import validated
from lethe.planning.composition import (
    FAMILIES,
    HEADS,
    NO_FAMILY,
    families_of,
    needs,
    parametrisations,
    partly_refused,
    refusals,
)
from lethe.terminal import table

MOST_VALUES = 3
"""Values of a variant that its line names."""
HEAD = ("name", "families", "parametrisations", "needs besides its own data", "what it does")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe methods`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of the catalogue")
    parser.add_argument("--json", action="store_true", help="print all that is known, as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print a line a method, or everything about those that are named."""
    raw = read_yaml(CATALOGUE / "methods.yaml")
    _refuse_parametrisations(name for name in arguments.names if name not in raw)
    require_listed("method", arguments.names, raw)
    rows = [described(name, raw[name]) for name in arguments.names or raw]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    elif arguments.names:
        print("\n\n".join(map(_page, rows)))
    else:
        first = {row["method"]: row for row in reversed(rows)}
        print(table(HEAD, (_cells(row, first[row["method"]]) for row in rows)))


def _refuse_parametrisations(names: Iterable[str]) -> None:
    ways = read_yaml(CATALOGUE / "parametrisations.yaml")
    for name in names:
        if name in ways:
            raise UserError(
                f"{name!r} is no method but says which parameters are trained: name it in a "
                "study's `parametrisations`. `lethe methods` says in its third column what goes "
                "with which."
            )


def described(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    """All that is known of an entry of the catalogue, as plain data.

    `not_with` has the reason by family or parametrisation that the method does not go with,
    `not_always_with` by kind of parametrisation, where it refuses some settings or models.
    """
    entry = validated(MethodEntry, raw, f"methods.{name}")
    hyper = validated(parameters_of(entry.method), entry.hyper, f"methods.{name}.hyper")
    families, refused = families_of(hyper), refusals(hyper)
    why = hyper.families_why or NO_FAMILY
    return {
        "name": name,
        "method": entry.method,
        "what": first_line(entry.method),
        "families": [family for family in FAMILIES if family in families],
        "parametrisations": [way for way in parametrisations() if way not in refused],
        "not_with": {f: why for f in FAMILIES if f not in families} | refused,
        "not_always_with": partly_refused(hyper),
        "needs": needs(hyper),
        "one_text_a_row": hyper.one_text_a_row,
        "cost": hyper.cost,
        "general": entry.general,
        "hyper": resolved(hyper),
        "source": entry.source,
        "note": entry.note,
    }


def about(method: str) -> str:
    """What a method's file says of it. The file is read, not imported, which needs torch."""
    text = (PACKAGE / "methods" / f"{method}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(text)) or ""


def first_line(method: str) -> str:
    """What it is, in one line."""
    return about(method).partition("\n")[0].rstrip(".")


def pages() -> str:
    """Every method of the catalogue's methods, as sections of the manual's page."""
    raw = read_yaml(CATALOGUE / "methods.yaml")
    rows = [described(name, entry) for name, entry in raw.items()]
    by_method: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    return "\n".join(_section(method, found) for method, found in sorted(by_method.items()))


def _section(method: str, entries: list[dict[str, Any]]) -> str:
    first = entries[0]
    costs = dict.fromkeys(row["cost"] or "that of plain training" for row in entries)
    needed = dict.fromkeys(need for row in entries for need in row["needs"])
    lines = [
        f"## {method}\n",
        f"{as_markdown(about(method))}\n",
        f"- families: {', '.join(HEADS[family] for family in first['families'])}",
        f"- parametrisations: {', '.join(f'`{way}`' for way in first['parametrisations'])}",
        f"- needs: {', '.join(needed) or 'nothing besides its own data'}",
        f"- cost: {'; '.join(costs)}",
        f"- in the catalogue: {', '.join(_with_values(row, first) for row in entries)}",
        f"- values: [every parameter](parameters.md); code: `workflow/lethe/methods/{method}.py`\n",
    ]
    return "\n".join(lines)


def as_markdown(text: str) -> str:
    """Plain text whose every character Markdown shows as it is; code stays."""

    def escaped(found: re.Match[str]) -> str:
        return found[1] or ("&lt;" if found[2] == "<" else f"\\{found[2]}")

    return re.sub(r"(`[^`]*`|^    .*$)|([\\*_\[\]#<])", escaped, text, flags=re.MULTILINE)


def _with_values(row: dict[str, Any], usual: dict[str, Any]) -> str:
    """An entry's name, and where its values differ from those of the method's first entry."""
    said = ", ".join(_values(row, usual))
    return f"`{row['name']}`" + (f" ({said})" if said else "")


def _values(row: dict[str, Any], usual: dict[str, Any]) -> list[str]:
    """The values of an entry that are not those of its method's first entry."""
    own = {k: v for k, v in row["hyper"].items() if v != usual["hyper"].get(k)}
    own |= {"general": row["general"]} if row["general"] != usual["general"] else {}
    return [f"{key} {json.dumps(value)}" for key, value in own.items()]


def _cells(row: dict[str, Any], usual: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        _of(row["families"], FAMILIES),
        _of(row["parametrisations"], list(parametrisations())),
        ", ".join(row["needs"]),
        _what(row, usual),
    )


def _what(row: dict[str, Any], usual: dict[str, Any]) -> str:
    """What an entry does; of a variant, how it differs from its method's first entry."""
    if row is usual:
        return row["what"]
    own = some_of(_values(row, usual), MOST_VALUES)
    return f"{usual['name']} with {own}" if own else f"{usual['name']}: {row['note']}"


def _of(some: Iterable[str], every: Iterable[str]) -> str:
    """Names, or in fewer words: `all`, or all but those that are missing."""
    some, every = list(some), list(every)
    missing = [name for name in every if name not in some]
    if not missing:
        return "all"
    return f"all but {', '.join(missing)}" if len(missing) < len(some) else ", ".join(some)


def _page(row: dict[str, Any]) -> str:
    against: dict[str, list[str]] = {}
    for what, reason in row["not_with"].items():
        against.setdefault(reason, []).append(HEADS.get(what, what))
    lines = [
        f"{row['name']} (lethe/methods/{row['method']}.py)",
        "",
        *about(row["method"]).splitlines(),
        "",
        f"  families          {', '.join(HEADS[family] for family in row['families'])}",
        f"  parametrisations  {', '.join(row['parametrisations'])}",
        *(f"  not with          {', '.join(w)}: {why}" for why, w in against.items()),
        *(f"  not always with   {w}: {why}" for w, why in row["not_always_with"].items()),
        f"  needs             {', '.join(row['needs']) or 'nothing besides its own data'}",
        f"  cost              {row['cost'] or 'that of plain training'}",
        *(f"  {key} = {json.dumps(value)}" for key, value in row["hyper"].items()),
        f"  values from       {row['source']}" + (f": {row['note']}" if row["note"] else ""),
    ]
    return "\n".join(lines)
