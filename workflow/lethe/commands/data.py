"""Make one data node: the generated world of a seed."""

import argparse

from lethe.artefacts import lock, publish
from lethe.commands.node_arguments import add_node_arguments, read_spec
from lethe.paths import DATA_MANIFEST, node_directory, work_directory
from lethe.world.build import build_world


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    spec = read_spec(arguments, "data")
    directory = node_directory(arguments.results, "data", arguments.node)
    parameters = {key: value for key, value in spec.items() if key not in ("kind", "source")}
    with lock(work_directory(arguments.results, arguments.node) / "lock"):
        facts = build_world(parameters, directory)
        files = [
            str(path.relative_to(directory))
            for path in sorted(directory.rglob("*"))
            if path.is_file() and path.name != DATA_MANIFEST and "__pycache__" not in path.parts
        ]
        manifest = {"id": arguments.node, "spec": spec, "code": arguments.code, **facts}
        publish(directory, DATA_MANIFEST, manifest, files)
