"""What the collector must know of a study: its runs, probe nodes and words, as one plain record."""

from pathlib import Path
from typing import Any

from lethe.artefacts import write_json
from lethe.config import Catalogue, Study
from lethe.planning.nodes import Plan
from lethe.settings import selected
from lethe.strict_json import digest


def study_record(study: Study, catalogue: Catalogue, plan: Plan) -> dict[str, Any]:
    """Runs with their checkpoints, the nodes of scores of each, and the tasks' own tests."""
    # What a chain was trained on elsewhere need not be a task of the catalogue.
    used = {name for run in plan.runs for name in _tasks(run.stages)} & catalogue.tasks.keys()
    own = {catalogue.tasks[name].own: name for name in sorted(used) if catalogue.tasks[name].own}
    record = {
        "study": study.study,
        "bootstrap_seed": study.seeds.bootstrap,
        "own": own,
        "runs": [
            {
                "model": run.model,
                "family": run.family,
                "series": run.series,
                "untuned": run.untuned,
                "world_seed": run.world_seed,
                "base_seed": run.base_seed,
                "method": run.method,
                "hyper": run.hyper,
                "recipe": run.recipe,
                "order": run.order,
                "train_seed": run.train_seed,
                "checkpoints": list(run.checkpoints),
                "stages": list(run.stages),
            }
            for run in plan.runs
        ],
        "probes": plan.probes,
        "tables": list(study.tables),
        "figures": list(study.figures),
    }
    if plan.end_tasks:
        domains = {name: catalogue.end_tasks[name].task for name in selected(study, "end_tasks")}
        record |= {"end_tasks": plan.end_tasks, "domains": domains}
    return record


def _tasks(stages: tuple[str, ...]) -> list[str]:
    return [part.partition(":")[0] for stage in stages if stage for part in stage.split("&")]


def write_study_record(study: Study, record: dict[str, Any]) -> str:
    """Write the record under a name that holds its digest; return the path."""
    name = f"study-{study.study}-{digest(record)[:12]}.json"
    path = Path(study.output) / "specs" / name
    if not path.exists():
        write_json(path, record)
    return str(path)
