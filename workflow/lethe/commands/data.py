"""Make one data node: generated, made from packages, or the prepared data of a source."""

import argparse
from pathlib import Path
from typing import Any

from lethe.artefacts import nodes
from lethe.artefacts.files import sha256_file
from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node
from lethe.artefacts.paths import MANIFEST, fetched_files, node_directory
from lethe.commands.arguments import add_node_arguments, read_spec
from lethe.errors import UserError
from lethe.sources.parameters import source_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    spec = read_spec(arguments, "data")
    _require_complete(spec, arguments.node)

    def make(directory: Path) -> tuple[dict[str, Any], list[str]]:
        if spec["source"] == "world":
            return _world(spec, directory)
        if spec["source"] == "real":
            return _real(spec, directory, arguments.results)
        return _prepared(spec, directory, arguments.results)

    make_node(arguments.results, arguments.node, spec, arguments.code, make)


def _require_complete(spec: dict[str, Any], node: str) -> None:
    """Refuse a spec that lacks a parameter: the code that makes data has no defaults of its own."""
    kind, loader, parameters = spec["source"], spec.get("loader"), spec.get("parameters")
    if kind == "world":
        parameters = {key: spec[key] for key in spec.keys() - {"kind", "source", "seed"}}
    if kind == "real":
        parameters = {key: spec[key] for key in spec.keys() - {"kind", "source", "packages"}}
    if source_parameters(f"the spec of {node}", kind, loader, parameters) != parameters:
        raise UserError(
            f"the spec of {node} lacks parameters, so another version of Lethe planned it; plan "
            "the study again."
        )


def _world(spec: dict[str, Any], directory: Path) -> tuple[dict[str, Any], list[str]]:
    parameters = {key: value for key, value in spec.items() if key not in ("kind", "source")}
    if spec["part"] == "domains":
        from lethe.sources.domains.build import build_domains

        facts = build_domains(parameters, directory)
    else:
        from lethe.sources.world.build import build_world

        facts = build_world(parameters, directory)
    return facts, _files_in(directory)


def _files_in(directory: Path) -> list[str]:
    return [
        str(path.relative_to(directory))
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        and not path.name.endswith(MANIFEST["data"])
        and "__pycache__" not in path.parts
    ]


def _real(spec: dict[str, Any], directory: Path, results: Path) -> tuple[dict[str, Any], list[str]]:
    from lethe.sources.real.build import build_real
    from lethe.sources.real.packages import Part

    parts = {}
    for made_from in spec["packages"]:
        name, node = made_from["name"], made_from["fetched"]
        verify(node_directory(results, "fetched", node), MANIFEST["fetched"])
        package = nodes.read_spec(results, node)["package"]
        words = f"{package['name']} {package['version']}"
        parts[name] = Part(name, fetched_files(results, node), words)
    values = {key: value for key, value in spec.items() if key not in ("kind", "packages")}
    facts = build_real(values, parts, directory)
    for row in facts["shortcuts"]:
        print(f"{row['set']:<12} {row['shortcut']:<24} {row['items']:>5} {row['above']:+.3f}")
    return facts, _files_in(directory)


def _prepared(
    spec: dict[str, Any], directory: Path, results: Path
) -> tuple[dict[str, Any], list[str]]:
    from lethe.sources.prepare import prepare

    fetched = None
    if "fetched" in spec:
        verify(node_directory(results, "fetched", spec["fetched"]), MANIFEST["fetched"])
        fetched = fetched_files(results, spec["fetched"])
    else:
        _require_unchanged(spec)
    facts = prepare(spec, directory, fetched)
    for split, rows in facts["rows"].items():
        print(f"{split:<10} {rows['read']:>8} read {sum(rows['written'].values()):>8} written")
        if rows["left_out"]:
            print(f"{split:<10} {rows['left_out']}")
    return facts, facts["prepared"]


def _require_unchanged(spec: dict[str, Any]) -> None:
    """Refuse local files that have changed since planning: the id depends on their content."""
    for key, file in spec["files"].items():
        where = f"sources.{spec['name']}.files.{key}"
        if not Path(file["path"]).is_file():
            raise UserError(f"{where}: expected a file, found none at {file['path']}.")
        if sha256_file(file["path"]) != file["sha256"]:
            raise UserError(f"{where}: {file['path']} has changed since it was planned; run again.")
