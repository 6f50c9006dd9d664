"""List the models that a study can name: family, size, where each comes from and where it can run.

With names: all that is known of these. A study's own models stand in its file, under `define`.
"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from lethe.artefacts.strict_yaml import read_yaml
from lethe.commands.arguments import require_listed
from lethe.config.origins import Model
from lethe.config.reading import CATALOGUE
from lethe.models.built_config import full_config
from lethe.models.built_size import parameters_of_built
from lethe.models.machine_memory import GB, machine_memory
from lethe.parameters.sentences import validated
from lethe.planning.resources import SMALLEST_ON_GPU
from lethe.planning.room import bytes_to_train
from lethe.terminal import table

HEAD = ("name", "family", "parameters", "where it comes from", "where it can run")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe models`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of the catalogue")
    parser.add_argument("--json", action="store_true", help="print all that is known, as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print a line a model, or everything about those that are named."""
    raw = read_yaml(CATALOGUE / "models.yaml")
    require_listed("model", arguments.names, raw)
    entries = {name: validated(Model, entry, f"models.{name}") for name, entry in raw.items()}
    rows = [described(name, entries) for name in arguments.names or entries]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    elif arguments.names:
        print("\n\n".join("\n".join(_page(row)) for row in rows))
    else:
        print(table(HEAD, map(_cells, rows), right=[HEAD.index("parameters")]))


def described(name: str, entries: dict[str, Model]) -> dict[str, Any]:
    """All that is known of a model of the catalogue, as plain data.

    `parameters` is about right. Of a model that is built here it leaves out the embeddings, whose
    rows come from the data, and `counts_embeddings` is false. `bytes_to_train` is the memory that
    training all of them takes on a CPU, None for a model so small that it fits everywhere;
    `fits_here` is whether this machine has it, None if it does not say.
    """
    model = entries[name]
    root = _root(model, entries)
    size = model.params or root.params
    is_given = size is not None or root.architecture is None
    if size is None and root.architecture is not None:
        config = full_config(f"models.{name}.config", root.architecture, root.config)
        size = parameters_of_built(config)
    needed = bytes_to_train(size, {}) if size and size >= SMALLEST_ON_GPU else None
    there = machine_memory()
    return {
        "name": name,
        "family": root.family,
        "parameters": None if size is None else int(size),
        "counts_embeddings": is_given,
        "from": _from(model),
        "recipe": model.recipe,
        "untuned": model.untuned,
        "bytes_to_train": needed,
        "fits_here": None if there is None else needed is None or needed <= there,
        "network": _network(root),
        "licence": root.licence,
        "note": model.note or root.note,
    }


def _root(model: Model, entries: dict[str, Model]) -> Model:
    return _root(entries[model.parent], entries) if model.parent else model


def _from(model: Model) -> str:
    """Where a model comes from, in words."""
    if model.architecture:
        return f"built here: {model.architecture} trained on {model.source}"
    if model.hub:
        return f"hub: {model.hub}"
    if model.package:
        return f"package: {model.package.name} {model.package.version} ({model.package.index})"
    if model.path:
        return f"folder: {model.path}"
    return f"{model.parent}, trained on {model.train_on}"


def _network(root: Model) -> str:
    """What has to be reached, once, to fetch it; empty for nothing."""
    if root.hub:
        return "the hub"
    return f"the index {root.package.index}" if root.package else ""


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return row["name"], row["family"], _parameters(row), row["from"], _where(row)


def _parameters(row: dict[str, Any]) -> str:
    return _size(row["parameters"]) + " + words" * (not row["counts_embeddings"])


def _size(parameters: int | None) -> str:
    """A number of parameters to three digits: 74K, 135M, 1.07B."""
    if parameters is None:
        return "?"
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if parameters >= unit:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters)


def _where(row: dict[str, Any]) -> str:
    if row["bytes_to_train"] is None:
        return "any computer"
    memory = f"{row['bytes_to_train'] / GB:.0f} GB of memory"
    return f"this machine, in {memory}" if row["fits_here"] else f"with {memory}, or on a GPU"


def _page(row: dict[str, Any]) -> Iterator[str]:
    known = {
        "family": row["family"],
        "parameters": _parameters(row),
        "comes from": row["from"],
        "trained by": f"the recipe {row['recipe']}" if row["recipe"] else "",
        "before tuning": row["untuned"],
        "can be trained": _where(row),
        "needs once": row["network"],
        "licence": row["licence"],
        "note": row["note"],
    }
    width = max(map(len, known))
    yield row["name"]
    yield from (f"  {what:<{width}}  {value}" for what, value in known.items() if value)
