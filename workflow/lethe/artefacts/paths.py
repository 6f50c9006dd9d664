"""Every path of the results folder, in one place; rules and package both read them here."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PROJECT = PACKAGE.parents[1]
TASK_YAML = PACKAGE / "evaluation" / "task_yaml"
FIGURE_STYLE = PACKAGE / "figures" / "matplotlibrc"
SCHEMAS = PACKAGE.parent / "schemas"
PUBLISHED = PROJECT / "config" / "published"
LUO2023 = PUBLISHED / "luo2023.csv"
LUO2023_MODELS = PUBLISHED / "luo2023-models.csv"

DATA_MANIFEST = "data.json"
BASE_MANIFEST = "base.json"
STAGE_MANIFEST = "stage.json"
PROBE_MANIFEST = "probe.json"
FETCH_MANIFEST = "fetch.json"
END_TASK_MANIFEST = "end_task.json"

FOLDER = {
    "fetched": "fetched",
    "data": "data",
    "base": "bases",
    "stage": "stages",
    "probe": "scores",
    "end_task": "endtasks",
}
MANIFEST = {
    "fetched": FETCH_MANIFEST,
    "data": DATA_MANIFEST,
    "base": BASE_MANIFEST,
    "stage": STAGE_MANIFEST,
    "probe": PROBE_MANIFEST,
    "end_task": END_TASK_MANIFEST,
}


def node_directory(results: Path | str, kind: str, node: str) -> Path:
    """Folder of one node's artefacts."""
    return Path(results) / FOLDER[kind] / node


def node_manifest(results: Path | str, kind: str, node: str) -> Path:
    """The manifest that is written last and makes the node count as done."""
    return node_directory(results, kind, node) / MANIFEST[kind]


def spec_file(results: Path | str, node: str) -> Path:
    """The node's resolved spec."""
    return Path(results) / "specs" / f"{node}.json"


def work_directory(results: Path | str, node: str) -> Path:
    """Interrupted work and the lock of a node; outside every declared output."""
    return Path(results) / "work" / node


def score_store(results: Path | str, checkpoint: str) -> Path:
    """Scores of one checkpoint, one file an evaluation task."""
    return Path(results) / "scores" / "store" / checkpoint


def end_task_store(results: Path | str, checkpoint: str) -> Path:
    """End-task results of one checkpoint, one file an end task and seed."""
    return Path(results) / "endtasks" / "store" / checkpoint


def study_directory(results: Path | str, study: str) -> Path:
    """Long tables, metrics, tables and figures of a study."""
    return Path(results) / "studies" / study


def fetched_files(results: Path | str, node: str) -> Path:
    """The files of a fetched hub repository, laid out as there."""
    return node_directory(results, "fetched", node) / "files"


def revisions_file(results: Path | str) -> Path:
    """Revisions that were looked up because the catalogue leaves them open."""
    return Path(results) / "fetched" / "revisions.json"
