"""Draw kept studies again: every table, figure and claim from their long tables, offline.

Written is a folder like that of a run: scores.csv and the other long tables, `tables`, `figures`
and `claims`.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from lethe.artefacts.files import digest, write_atomic, write_json
from lethe.artefacts.study_files import COLLECTED, ITEMS
from lethe.commands import claims, figure, from_tables, summarize, table
from lethe.commands.keep import KEPT
from lethe.commands.named_studies import study_folder
from lethe.config.pages import FIGURE_WIDTHS
from lethe.errors import UserError, shown
from lethe.longtables.study_record import FILE, StudyRecord

RENDERED = Path("results", "rendered")
READ = {
    "table": ("tables", (".md",)),
    "figure": ("figures", (".png", ".txt")),
    "claims": ("claims", (".md",)),
}
"""By verb, the folder and the endings of what people read. Pictures of equal numbers differ
between versions of libraries, so `--check` compares Markdown alone."""
CLAIMS = "claims"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe render`."""
    parser.add_argument(
        "folder",
        nargs="*",
        type=study_folder,
        metavar="STUDY",
        default=[KEPT],
        help=f"a kept study, or a folder of kept studies (default {KEPT})",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help=f"folder to write (default the folder's name in {RENDERED}); for one study alone",
    )
    parser.add_argument(
        "--only", help=f"names of tables and figures with commas between, and `{CLAIMS}`"
    )
    parser.add_argument("--json", action="store_true", help="print what was drawn as JSON")
    parser.add_argument(
        "--summarize", action="store_true", help="compute the metrics again, from the items"
    )
    parser.add_argument(
        "--pages",
        action="store_true",
        help="put what people read (.md, .png, captions) into the kept study's folder too",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="fail if a table or claim in the kept study's folder is not as it is drawn now",
    )


def run(args: argparse.Namespace) -> None:
    """Draw; UserError for a folder without a study, or a table that was altered."""
    if not args.json:
        _render(args)
        return
    # What the verbs say of each page is for people: standard output has the JSON alone.
    with redirect_stdout(sys.stderr):
        drawn = _render(args)
    print(json.dumps(drawn, indent=2))


def _render(args: argparse.Namespace) -> list[dict[str, Any]]:
    """What was drawn: `study`, its `folder`, the `drawn` one, and names of pages by verb."""
    from lethe.longtables.study_folder import open_study, unpack

    studies = [open_study(folder) for folder in study_folders(args.folder)]
    if args.out and len(studies) > 1:
        raise UserError(f"--out: expected one study, found {len(studies)}; leave it out.")
    chosen = None if args.only is None else args.only.split(",")
    require_known(chosen or [], [study.record for study in studies])
    for study in studies:
        require_widths(study.folder, study.record)
    places = drawn_in([study.folder for study in studies])
    drawn = []
    for study, place in zip(studies, places, strict=True):
        out = args.out or place
        names = pages(study.record, chosen)
        unpack(study, out)
        if args.summarize:
            study.items()
            resummarize(out, study.record.bootstrap_seed)
        draw(out, study.record, names)
        if args.pages:
            put_pages(out, study.folder, names)
        if args.check:
            require_pages(out, study.folder, names)
        shown_in = ", ".join(folder for verb, (folder, _) in READ.items() if names[verb])
        print(f"Drawn in {out}: {shown_in or 'its long tables'}.")
        if chosen is None:
            print(f"  lethe report {shlex.quote(str(study.folder))}  # its page")
        words = {"study": study.record.study, "folder": str(study.folder), "drawn": str(out)}
        drawn.append(words | {READ[verb][0]: listed for verb, listed in names.items()})
    return drawn


def drawn_in(folders: list[Path]) -> list[Path]:
    """Where kept studies are drawn: by the names of their folders, since parts of one study, as its
    worlds apart, have its name alike.

    Raises:
        UserError: two folders have one name.
    """
    places: dict[Path, Path] = {}
    for folder in folders:
        place = RENDERED / folder.resolve().name
        if place in places:
            raise UserError(
                f"{places[place]} and {folder} would both be drawn in {place}; draw them one at a "
                "time, with --out."
            )
        places[place] = folder
    return list(places)


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


def require_known(chosen: list[str], records: list[StudyRecord]) -> None:
    """Refuse the name of a page that no study has; UserError lists those that there are."""
    known = [name for record in records for names in pages(record).values() for name in names]
    for name in chosen:
        if name not in known:
            raise UserError(
                f"--only: expected a table or figure of the study, found {shown(name)}; there are "
                f"{', '.join(dict.fromkeys(known))}."
            )


def require_widths(folder: Path, record: StudyRecord) -> None:
    """Refuse a width that no figure can have; study.json may be edited by hand."""
    for name, width in record.widths.items():
        if width not in FIGURE_WIDTHS:
            raise UserError(
                f"{folder / FILE}: widths.{name}: expected one of {', '.join(FIGURE_WIDTHS)}, "
                f"found {shown(width)}."
            )


def pages(record: StudyRecord, chosen: list[str] | None = None) -> dict[str, list[str]]:
    """Names of what is drawn, by verb: all of a study's, or those that are chosen."""
    known = {
        "table": record.tables,
        "figure": record.figures,
        CLAIMS: [CLAIMS] if record.claims else [],
    }
    return {
        verb: [name for name in names if chosen is None or name in chosen]
        for verb, names in known.items()
    }


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
    for width in dict.fromkeys(record.widths.get(name) for name in names["figure"]):
        of_width = [name for name in names["figure"] if record.widths.get(name) == width]
        wide = [] if width is None else ["--width", width]
        call(figure, *of_width, *with_others, *wide, "--out", folder / "figures")
    if names[CLAIMS]:
        content = {"study": record.study, "claims": record.claims}
        with TemporaryDirectory() as temporary:
            # Named as the workflow names it, for the name stands in the manifest of the claims.
            name = f"study-{record.study}-claims-{digest(content)[:12]}.json"
            write_json(Path(temporary, name), content)
            call(claims, *tables, "--claims", Path(temporary, name), "--out", folder / CLAIMS)


def put_pages(drawn: Path, kept: Path, names: dict[str, list[str]]) -> None:
    """Copy what people read of a study that was drawn into the folder where it is kept."""
    for path in _read(drawn, names):
        write_atomic(kept / path.relative_to(drawn), path.read_bytes())


def require_pages(drawn: Path, kept: Path, names: dict[str, list[str]]) -> None:
    """Refuse tables and claims in a kept study's folder that are not as they are drawn now.

    Raises:
        UserError: names the first.
    """
    for path in _read(drawn, names):
        page = kept / path.relative_to(drawn)
        if path.suffix == ".md" and not (page.is_file() and page.read_bytes() == path.read_bytes()):
            raise UserError(
                f"{page}: is not what this code makes of the study's long tables; "
                f"`lethe render {kept} --pages` writes it."
            )


def _read(drawn: Path, names: dict[str, list[str]]) -> Iterator[Path]:
    for verb, (folder, endings) in READ.items():
        paths = [drawn / folder / f"{name}{end}" for name in names[verb] for end in endings]
        yield from (path for path in paths if path.is_file())


def call(verb: ModuleType, *arguments: object) -> None:
    """Run a verb with arguments as on the command line."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    verb.add_arguments(parser)
    verb.run(parser.parse_args([str(argument) for argument in arguments]))
