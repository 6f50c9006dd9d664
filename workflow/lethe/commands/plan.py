"""What a study will compute: its nodes by kind, done or missing; `--write` writes their specs."""

import argparse

from lethe.artefacts.paths import node_manifest
from lethe.artefacts.rules import KINDS
from lethe.commands.arguments import add_study_arguments, read
from lethe.planning.plan import make_plan
from lethe.planning.records import write_specs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--write", action="store_true", help="write specs and index.csv")
    parser.add_argument("--ids", action="store_true", help="list every node")


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    plan = make_plan(study, catalogue)
    if arguments.write:
        write_specs(plan, study.output)
    print(f"study {study.study}: {len(plan.runs)} chains")
    for kind in KINDS:
        nodes = plan.of_kind(kind)
        if not nodes:
            continue
        done = sum(node_manifest(study.output, kind, node.id).exists() for node in nodes)
        print(f"  {kind:<7} {len(nodes):>5} nodes, {done} done")
        if arguments.ids:
            for node in nodes:
                print(f"    {node.id}")
