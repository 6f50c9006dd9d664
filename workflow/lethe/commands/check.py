"""Is this configuration right? Prints that it is, or the first mistake, in one sentence."""

import argparse
import json
from typing import Any

from lethe.artefacts.output_folder import require_output
from lethe.artefacts.rules import KINDS
from lethe.commands.arguments import add_study_arguments, read
from lethe.commands.unasked_tasks import unasked_tasks, untested_tasks
from lethe.commands.unknown_words import unknown_words
from lethe.commands.unselected_models import unselected_models
from lethe.commands.unusable_rows import unusable_rows
from lethe.config.catalogue import Catalogue, Study
from lethe.planning.claimed import unmeasured
from lethe.planning.model_types import unknown_types
from lethe.planning.pages import empty_pages
from lethe.planning.parametrisations import without_rates
from lethe.planning.plan import make_plan, without_base_seed
from lethe.planning.reference_chains import single_rates
from lethe.planning.room import require_room, too_little_memory
from lethe.planning.same_training import same_trainings
from lethe.terminal import paint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(arguments: argparse.Namespace) -> None:
    found = checked(*read(arguments))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    nodes = ", ".join(f"{count} {kind}" for kind, count in found["nodes"].items())
    right = paint("right", "green")
    print(f"The configuration of study {found['study']!r} is {right}: {nodes} nodes.")
    if not (arguments.study or arguments.configfile):
        print(
            "No file was named, so this is the default study; `lethe check FILE` checks your own."
        )
    for note in found["notes"]:
        print(f"{paint('Note:', 'yellow')} {note}")


def checked(study: Study, catalogue: Catalogue) -> dict[str, Any]:
    """What a right study will make and what to know about it, as plain data.

    Raises:
        UserError: the study is wrong.
    """
    require_output(study.output)
    plan = make_plan(study, catalogue)
    require_room(catalogue, plan)
    counts = {kind: len(plan.of_kind(kind)) for kind in KINDS}
    notes = [*empty_pages(study, catalogue, plan), *single_rates(study, plan)]
    notes += [*unknown_types(catalogue, plan), *without_rates(catalogue, plan)]
    notes += [*same_trainings(study, catalogue, plan), *unmeasured(study, catalogue, plan)]
    notes += [*too_little_memory(plan), *unknown_words(catalogue, plan), *unusable_rows(plan)]
    notes += [*untested_tasks(catalogue, plan), *unasked_tasks(plan), *unselected_models(study)]
    elsewhere = without_base_seed(study, catalogue)
    if len(study.seeds.base) > 1 and elsewhere:
        unused = f"seeds.base has no effect on {', '.join(elsewhere)}: trained elsewhere."
        notes.insert(0, unused)
    return {
        "study": study.study,
        "nodes": {kind: count for kind, count in counts.items() if count},
        "notes": notes,
    }
