"""What a study will compute: its nodes by kind, done or missing; `--write` writes their specs."""

import argparse
import json
import math
from collections.abc import Iterator
from typing import Any

from lethe.artefacts.rules import KINDS
from lethe.commands.arguments import add_study_arguments, read
from lethe.config.catalogue import Catalogue, Study
from lethe.longtables.node_words import Words
from lethe.planning.nodes import Plan
from lethe.planning.plan import make_plan
from lethe.planning.records import write_specs
from lethe.planning.reference_chains import cost_words
from lethe.planning.resources import lost_seconds, trained_parameters, training_tokens
from lethe.planning.workflow import node_standing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--write", action="store_true", help="write specs and index.csv")
    parser.add_argument("--ids", action="store_true", help="list every node, checkpoints by words")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    plan = make_plan(study, catalogue)
    if arguments.write:
        write_specs(plan, study.output)
    found = planned(study, catalogue, plan)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(_lines(found, arguments.ids)))


def planned(study: Study, catalogue: Catalogue, plan: Plan) -> dict[str, Any]:
    """What a study will compute, as plain data: every node, and whether it is done.

    `words` of a node that is no checkpoint are empty.
    """
    standing = node_standing(study, catalogue, plan)
    done = {job.name for job in standing.done}
    words = Words(plan.runs).of_nodes()
    nodes = [
        {"kind": kind, "node": node.id, "words": words.get(node.id, ""), "done": node.id in done}
        for kind in KINDS
        for node in plan.of_kind(kind)
    ]
    return {
        "study": study.study,
        "chains": len(plan.runs),
        "nodes": nodes,
        "cost": cost_words(plan) or "",
        "again": list(standing.lines()),
        "repeated_when_killed": _lost(plan, study),
    }


def _lines(found: dict[str, Any], is_long: bool) -> Iterator[str]:
    yield f"study {found['study']}: {found['chains']} chain{'s' * (found['chains'] != 1)}"
    for kind in KINDS:
        nodes = [node for node in found["nodes"] if node["kind"] == kind]
        if nodes:
            done = sum(node["done"] for node in nodes)
            tuned = sum("/base@" in node["words"] for node in nodes) if kind == "stage" else 0
            bases = f", {tuned} for a tuned base" if tuned else ""
            yield f"  {kind:<8} {len(nodes):>5} node{'s' * (len(nodes) != 1)}{bases}, {done} done"
        for node in nodes if is_long else ():
            yield f"    {node['node']}{'  ' * bool(node['words'])}{node['words']}"
    if found["cost"]:
        yield f"  {found['cost']}"
    yield from found["again"]
    if lost := found["repeated_when_killed"]:
        yield f"A job that is killed repeats at most, as estimated: {lost}."
        yield "Training that is asked to end (SIGTERM, Ctrl-C) saves first and repeats nothing."


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
