"""What a study will compute: its nodes by kind, done or missing; `--write` writes their specs."""

import argparse
import math

from lethe.artefacts.rules import KINDS
from lethe.commands.arguments import add_study_arguments, read
from lethe.config.catalogue import Study
from lethe.planning.nodes import Plan
from lethe.planning.plan import make_plan
from lethe.planning.records import write_specs
from lethe.planning.reference_chains import cost_words
from lethe.planning.resources import lost_seconds, trained_parameters, training_tokens
from lethe.planning.workflow import node_standing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--write", action="store_true", help="write specs and index.csv")
    parser.add_argument("--ids", action="store_true", help="list every node")


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    plan = make_plan(study, catalogue)
    if arguments.write:
        write_specs(plan, study.output)
    found = node_standing(study, catalogue, plan)
    done = {job.name for job in found.done}
    print(f"study {study.study}: {len(plan.runs)} chain{'s' * (len(plan.runs) != 1)}")
    for kind in KINDS:
        nodes = plan.of_kind(kind)
        if not nodes:
            continue
        count = sum(node.id in done for node in nodes)
        print(f"  {kind:<7} {len(nodes):>5} nodes, {count} done")
        if arguments.ids:
            for node in nodes:
                print(f"    {node.id}")
    if words := cost_words(plan):
        print(f"  {words}")
    for line in found.lines():
        print(line)
    if lost := _lost(plan, study):
        print(f"A job that is killed repeats at most, as estimated: {lost}.")
        print("Training that is asked to end (SIGTERM, Ctrl-C) saves first and repeats nothing.")


def _lost(plan: Plan, study: Study) -> str:
    """What a kill costs, by kind of job: the training since the last snapshot."""
    lost = []
    for kind in ("base", "stage", "end_task"):
        trained = [node for node in plan.of_kind(kind) if training_tokens(node.spec) != 0]
        if trained:
            largest = max(
                trained_parameters(node.spec, plan.sizes.get(node.id, 0.0)) for node in trained
            )
            seconds = lost_seconds(largest, study.snapshot_seconds)
            lost.append(f"{kind} {math.ceil(seconds):,} s of training")
    if plan.of_kind("probe"):
        lost.append("probe the evaluation task in progress")
    return ", ".join(lost)
