"""Draw kept studies again: every table, figure and claim from their long tables, offline.

Written is a folder like that of a run: scores.csv and the other long tables, `tables`, `figures`
and `claims`.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from lethe.artefacts.files import digest, write_json
from lethe.artefacts.output_folder import require_writable
from lethe.artefacts.study_files import COLLECTED, ITEMS
from lethe.commands import claims, figure, from_tables, summarize, table
from lethe.commands.keep import KEPT
from lethe.errors import UserError
from lethe.longtables.study_record import FILE, StudyRecord

RENDERED = Path("results", "rendered")
CLAIMS = "claims"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe render`."""
    parser.add_argument(
        "folder",
        nargs="*",
        type=Path,
        default=[KEPT],
        help=f"a kept study, or a folder of kept studies (default {KEPT})",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help=f"folder to write (default a folder NAME in {RENDERED}); for one study alone",
    )
    parser.add_argument(
        "--only", help=f"names of tables and figures with commas between, and `{CLAIMS}`"
    )
    parser.add_argument(
        "--summarize", action="store_true", help="compute the metrics again, from the items"
    )


def run(args: argparse.Namespace) -> None:
    """Draw; UserError for a folder without a study, or a table that was altered."""
    from lethe.longtables.study_folder import open_study, unpack

    studies = [open_study(folder) for folder in study_folders(args.folder)]
    if args.out and len(studies) > 1:
        raise UserError(f"--out: expected one study, found {len(studies)}; leave it out.")
    chosen = None if args.only is None else args.only.split(",")
    for study in studies:
        out = args.out or RENDERED / study.record.study
        require_writable(out)
        names = pages(study.record, chosen)
        unpack(study, out)
        if args.summarize:
            study.items()
            resummarize(out, study.record.bootstrap_seed)
        draw(out, study.record, names)


def study_folders(folders: list[Path]) -> list[Path]:
    """The folders that hold a study: of those that are named, and of those inside them.

    A folder inside that keeps no long tables is named in a sentence.

    Raises:
        UserError: a folder holds no study, and none is inside it.
    """
    found = []
    for folder in folders:
        inside = [] if _holds_study(folder) else sorted(folder.glob("*/"))
        kept = [path for path in inside if _holds_study(path)]
        for path in inside:
            if path not in kept:
                print(f"{path}: keeps no long tables, so its pages stay as they are.")
        # What holds nothing is refused by its reader, in one sentence.
        found += kept or [folder]
    return found


def _holds_study(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (FILE, COLLECTED))


def pages(record: StudyRecord, chosen: list[str] | None) -> dict[str, list[str]]:
    """Names of what is drawn, by verb; all of the study's, or those that are chosen.

    Raises:
        UserError: the study has no such page.
    """
    known = {
        "table": list(record.tables),
        "figure": list(record.figures),
        CLAIMS: [CLAIMS] if record.claims else [],
    }
    names = [name for names in known.values() for name in names]
    for name in chosen or ():
        if name not in names:
            raise UserError(
                f"--only: the study {record.study!r} has no table or figure {name!r}; it has "
                f"{', '.join(dict.fromkeys(names))}."
            )
    if chosen is None:
        return known
    return {verb: [name for name in of if name in chosen] for verb, of in known.items()}


def resummarize(folder: Path, seed: int) -> None:
    """Compute the metrics of a folder's scores and items, as the workflow does."""
    (folder / ITEMS).mkdir(exist_ok=True)
    places = ["--scores", folder / "scores.csv", "--items", folder / ITEMS]
    call(summarize, *places, "--seed", seed, "--out", folder / "metrics.csv")


def draw(folder: Path, record: StudyRecord, names: dict[str, list[str]]) -> None:
    """Make pages of a folder's long tables with the verbs that the workflow calls."""
    tables = ["--scores", folder / "scores.csv", "--metrics", folder / "metrics.csv"]
    others = {name: folder / f"{name}.csv" for name in from_tables.OTHERS}
    there = {name: path for name, path in others.items() if path.is_file()}
    with_others = [*tables, *(word for name in there for word in (f"--{name}", there[name]))]
    if names["table"]:
        call(table, *names["table"], *with_others, "--out", folder / "tables")
    if names["figure"]:
        call(figure, *names["figure"], *with_others, "--out", folder / "figures")
    if names[CLAIMS]:
        content = {"study": record.study, "claims": record.claims}
        with TemporaryDirectory() as temporary:
            # Named as the workflow names it, for the name stands in the manifest of the claims.
            name = f"study-{record.study}-claims-{digest(content)[:12]}.json"
            write_json(Path(temporary, name), content)
            call(claims, *tables, "--claims", Path(temporary, name), "--out", folder / CLAIMS)


def call(verb: ModuleType, *arguments: object) -> None:
    """Run a verb with arguments as on the command line."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    verb.add_arguments(parser)
    verb.run(parser.parse_args([str(argument) for argument in arguments]))
