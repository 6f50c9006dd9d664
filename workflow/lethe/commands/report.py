"""The report of a study as one page of HTML, which loads nothing from elsewhere.

Of a finished run it lies beside the study's tables, as report.html; of a kept or assembled study
in the folder in which `lethe render` draws it.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.artefacts.files import write_atomic
from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import node_manifest, results_of
from lethe.artefacts.study_files import (
    COLLECTED,
    ITEMS,
    QUESTIONS,
    REPORT,
    checked_files,
    publish_study_files,
)
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.commands.named_studies import HELP, study_folder
from lethe.commands.render import RENDERED, drawn_in, study_folders
from lethe.commands.run import as_typed, is_settings
from lethe.config.reading import DEFAULT
from lethe.errors import UserError
from lethe.planning.code import code_of

if TYPE_CHECKING:
    from lethe.longtables.study_folder import StudyFolder

PLACE = ("output",)
"""Settings that say where results lie, and change none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe report`."""
    parser.add_argument(
        "folder",
        nargs="+",
        type=study_folder,
        metavar="STUDY",
        help=f"a study: {HELP}; or a folder of these",
    )
    parser.add_argument(
        "--out", type=Path, help="file to write; by default in the study's folder, of a kept study "
        f"in {RENDERED / 'NAME'}"
    )  # fmt: skip
    parser.add_argument(
        "--configfile", action="extend", nargs="+", default=[], metavar="FILE",
        help="the study's files, which the page names as the command that makes it",
    )  # fmt: skip
    add_code_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Write; UserError for a folder without a study, or a table that was altered."""
    code = code_to_record(args.code, lambda: code_of("report", {}))
    from lethe.longtables.study_folder import open_study

    folders = study_folders(args.folder)
    if args.out and len(folders) > 1:
        raise UserError(f"--out: expected one study, found {len(folders)}; leave it out.")
    studies = [open_study(folder) for folder in folders]
    drawn_in([study.folder for study in studies if _is_kept(study)])  # refuses names that are alike
    for study in studies:
        folder = study.folder
        path = args.out or _place(study)
        write_atomic(path, page_of(study, args.configfile))
        if path == folder / f"{REPORT}.html" and (folder / COLLECTED).is_file():
            publish_study_files("report", REPORT, [path], _inputs(study), code)
        print(path)


def page_of(study: "StudyFolder", files: list[str]) -> bytes:
    """The page of a study. files: its files, of which the page shows those below this folder."""
    from lethe.report.page import page
    from lethe.report.source import Source

    own = [Path(file) for file in files if Path(file).resolve() != DEFAULT.resolve()]
    named = [_shareable(str(file)) for file in own if not is_settings(file)]
    values = [word for file in own if is_settings(file) for word in as_typed(file, PLACE)]
    return page(Source(study, (*named, *values)))


def _shareable(file: str) -> str:
    """A file as others may see it: below this folder, or its name alone."""
    path = Path(file).resolve()
    here = Path.cwd().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name


def _is_kept(study: "StudyFolder") -> bool:
    return study.tables["scores"].suffix != ".csv"


def _place(study: "StudyFolder") -> Path:
    folder = drawn_in([study.folder])[0] if _is_kept(study) else study.folder
    return folder / f"{REPORT}.html"


def _inputs(study: "StudyFolder") -> dict[str, Any]:
    """What the report of a finished run was made from, by the names that the plan gives it."""
    folder = study.folder
    named = [*study.tables.values(), *([folder / ITEMS] if (folder / ITEMS).is_dir() else [])]
    inputs: dict[str, Any] = dict(checked_files(named))
    questions = folder / QUESTIONS / f"{QUESTIONS}.json"
    if questions.is_file():
        inputs[QUESTIONS] = read_manifest(questions)["content"]
    collected = read_manifest(folder / COLLECTED)["inputs"]
    inputs["record"] = collected["record"]
    claims = folder / "claims" / "claims.json"
    if claims.is_file():
        inputs["claims"] = read_manifest(claims)["inputs"]["claims"]
    stages = study.frame("stages")["node"].unique() if "stages" in study.tables else ()
    for node in stages:
        manifest = node_manifest(results_of(folder), "stage", node)
        if manifest.is_file():
            inputs[node] = read_manifest(manifest)["content"]
    return inputs
