"""The nodes of a plan by words: an id says less, and is harder to read."""

import re

from lethe.longtables.node_words import Words
from lethe.planning.nodes import Node, Plan

DIGEST = re.compile(r"-[0-9a-f]{12}$")


def node_words(plan: Plan) -> dict[str, str]:
    """By id, every node of a plan: `xs/ewc/forward/2@0 (hgen)`, a stage and what it trains on.

    A probe and an end task are the words of their checkpoint with their own name; what is made of
    no checkpoint has the words of its id.
    """
    checkpoints = Words(plan.runs).of_nodes()
    trained = {
        node: stage
        for run in plan.runs
        for node, stage in zip(run.checkpoints, run.stages, strict=True)
    }
    return {node.id: _words(node, checkpoints, trained) for node in plan.nodes.values()}


def _words(node: Node, checkpoints: dict[str, str], trained: dict[str, str]) -> str:
    of = node.spec.get("checkpoint", node.id)
    words = checkpoints.get(of) or DIGEST.sub("", of)
    own = trained.get(node.id) if of == node.id else node.spec.get(node.kind)
    return f"{words} ({own})" if own else words
