"""What studies ask of their own checkpoints: what is asked of these unless `--tasks` says more."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from lethe.commands.named_nodes import Checkpoint
from lethe.errors import UserError
from lethe.evaluation.probe_tasks import Asked, asked_of
from lethe.longtables.node_words import recorded_probes

MOST_SHOWN = 8


def asked_alike(
    checkpoints: Sequence[Checkpoint], study: str | None = None
) -> tuple[dict[str, Asked], dict[str, Asked]]:
    """By name, the evaluation sets that studies ask of all checkpoints alike, and of some alone.

    study: only as this study asks. Of several that ask otherwise, one that asks all alike counts.
    """
    sides = [
        [
            pair
            for probe in recorded_probes(one.results, one.node, study)
            for pair in asked_of(one.results, [probe]).items()
        ]
        for one in checkpoints
    ]
    everything = [pair for side in sides for pair in side]
    alike = dict(pair for pair in everything if all(pair in side for side in sides))
    by_some: dict[str, Asked] = {}
    for name, asked in everything:
        ways = [other for known, other in everything if known == name]
        if name not in alike and all(other == asked for other in ways):
            by_some[name] = asked
    return alike, by_some


def choose(
    arguments: argparse.Namespace, checkpoints: Sequence[Checkpoint], given: str
) -> dict[str, Asked]:
    """The sets of the checkpoints' studies; they become `arguments.tasks` if none is named.

    given: what is scored, as the user named it.

    Raises:
        UserError: no task is named, and there is no study whose sets are meant.
    """
    asked, by_some = asked_alike(checkpoints, arguments.study)
    if arguments.tasks:
        return asked | by_some
    if not asked:
        why = ""
        if checkpoints:
            why = ", and the studies of these checkpoints have no set that all are asked alike"
        raise UserError(
            f"--tasks: expected the evaluation tasks on which to score the checkpoint {given}, "
            f"found none{why}; `lethe tasks` lists what there is. Checkpoints of a study have its "
            "sets by default, if they are named by words (xs/base) where its results are."
        )
    arguments.tasks = list(asked)
    chats: list[dict[str, Any]] = [one.chat for one in asked.values() if one.chat is not None]
    if arguments.chat is None and chats:
        arguments.chat = chats[0]["system"] or True
    listed = ", ".join(arguments.tasks[:MOST_SHOWN]) + ", ..." * (len(asked) > MOST_SHOWN)
    print(
        f"lethe: on the study's evaluation sets ({listed}); --tasks names others",
        file=sys.stderr,
        flush=True,
    )
    return asked
