"""Fetch a model or dataset from the hub at its pinned revision; only this verb needs a network.

HF_ENDPOINT names a mirror, HF_TOKEN a token for gated repositories.
"""

import argparse
import os

from lethe.commands.arguments import add_node_arguments, read_spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    spec = read_spec(arguments, "fetched")
    for variable in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(variable, "1")
    # Imported only now: the hub's library reads the environment when it is imported.
    from lethe.sources.hub.fetch import fetch

    manifest = fetch(arguments.node, spec, arguments.results)
    print(
        f"{spec['repo']} at {manifest['revision']} ({manifest['resolution']}): "
        f"{len(manifest['files'])} files, {manifest['bytes']} bytes, {manifest['seconds']} s"
    )
