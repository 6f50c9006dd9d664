"""Train one stage from its parent."""

import argparse

from lethe.commands.arguments import add_node_arguments, add_snapshot_argument, read_spec
from lethe.jobs.environment import one_thread
from lethe.training.stage import train_stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    add_snapshot_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    one_thread()
    spec = read_spec(arguments, "stage")
    manifest = train_stage(
        arguments.node, spec, arguments.results, arguments.code, arguments.snapshot_seconds
    )
    print(f"{manifest['steps']} steps, {manifest['tokens']} tokens, {manifest['seconds']} s")
