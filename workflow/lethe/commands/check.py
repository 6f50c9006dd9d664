"""Is this configuration right? Prints that it is, or the first mistake, in one sentence."""

import argparse

from lethe.artefacts.output_folder import require_output
from lethe.artefacts.rules import KINDS
from lethe.commands.arguments import add_study_arguments, read
from lethe.planning.model_types import unknown_types
from lethe.planning.pages import empty_pages
from lethe.planning.parametrisations import without_rates
from lethe.planning.plan import make_plan, without_base_seed
from lethe.planning.reference_chains import single_rates
from lethe.planning.room import require_room, too_little_memory
from lethe.planning.same_training import same_trainings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    require_output(study.output)
    plan = make_plan(study, catalogue)
    require_room(catalogue, plan)
    counts = {kind: len(plan.of_kind(kind)) for kind in KINDS}
    nodes = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    print(f"The configuration of study {study.study!r} is right: {nodes} nodes.")
    elsewhere = without_base_seed(study, catalogue)
    if len(study.seeds.base) > 1 and elsewhere:
        print(f"seeds.base has no effect on {', '.join(elsewhere)}: trained elsewhere.")
    notes = [*empty_pages(study, catalogue, plan), *single_rates(study, plan)]
    notes += [*unknown_types(catalogue, plan), *without_rates(catalogue, plan)]
    notes += [*same_trainings(study, catalogue, plan), *too_little_memory(plan)]
    for note in notes:
        print(f"Note: {note}")
