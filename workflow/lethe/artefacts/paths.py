"""Every path of the results folder, in one place, for the rules and the package."""

import os
from pathlib import Path

from lethe.artefacts.rules import KINDS

PACKAGE = Path(__file__).resolve().parents[1]
CLONE = PACKAGE.parents[1]
# An installed package has copies of the configuration and the schemas (setup.py).
PROJECT = CLONE if (CLONE / "config" / "catalogue").is_dir() else PACKAGE / "project"
TASK_YAML = PACKAGE / "evaluation" / "task_yaml"
FIGURE_STYLE = PACKAGE / "figures" / "matplotlibrc"
REPORT_LOOK = tuple(PACKAGE / "report" / f"report.{ending}" for ending in ("html", "css", "js"))
SNAKEFILE = PROJECT / "Snakefile"
PROFILES = PROJECT / "profiles"
SCHEMAS = PROJECT / "workflow" / "schemas"
PUBLISHED = PROJECT / "config" / "published"
LUO2023 = PUBLISHED / "luo2023.csv"
LUO2023_MODELS = PUBLISHED / "luo2023-models.csv"

# By kind, the file that is written last; once it exists, the node counts as done.
MANIFEST = {kind: rule.manifest for kind, rule in KINDS.items()}


def node_directory(results: Path | str, kind: str, node: str) -> Path:
    """Folder of one node's artefacts."""
    return Path(results) / KINDS[kind].folder / node


def node_manifest(results: Path | str, kind: str, node: str) -> Path:
    """The manifest, which is written last; once it exists, the node counts as done."""
    return node_directory(results, kind, node) / MANIFEST[kind]


def spec_file(results: Path | str, node: str) -> Path:
    """The node's resolved spec."""
    return Path(results) / "specs" / f"{node}.json"


def work_directory(results: Path | str, node: str) -> Path:
    """Unfinished work and the lock of a node; outside every declared output."""
    return Path(results) / "work" / node


def score_store(results: Path | str, checkpoint: str) -> Path:
    """Scores of one checkpoint, one file per evaluation task."""
    return Path(results) / KINDS["probe"].folder / "store" / checkpoint


def end_task_store(results: Path | str, checkpoint: str) -> Path:
    """End-task results of one checkpoint, one file per end task and seed."""
    return Path(results) / KINDS["end_task"].folder / "store" / checkpoint


def study_directory(results: Path | str, study: str) -> Path:
    """Long tables, metrics, tables and figures of a study."""
    return Path(results) / "studies" / study


def results_of(folder: Path) -> Path:
    """The results folder of a study's folder, from wherever that is named: `.` and `..` too."""
    return Path(os.path.abspath(folder)).parent.parent


def fetched_files(results: Path | str, node: str) -> Path:
    """The files of a fetched hub repository, laid out as on the hub."""
    return node_directory(results, "fetched", node) / "files"


def revisions_file(results: Path | str) -> Path:
    """Revisions that were looked up because the catalogue does not give them."""
    return Path(results) / KINDS["fetched"].folder / "revisions.json"
