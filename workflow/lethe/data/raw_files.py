"""Which files hold which split of a source, on either road: fetched from the hub, or local."""

import re
from pathlib import Path

from lethe.errors import UserError

# How publishers call the splits that are called train, validation and test here.
SPLITS = {
    "train": ("train",),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
# {split: {part: files}}; the part is "" but for files that are not simply rows.
RawFiles = dict[str, dict[str, list[Path]]]


def local_files(files: dict[str, dict], where: str) -> RawFiles:
    """Files of the local road, from keys SPLIT or SPLIT.PART.

    Raises:
        UserError: a key that names no split; `where` names the source's key.
    """
    found: RawFiles = {}
    for key, file in files.items():
        split, _, part = key.partition(".")
        if split not in SPLITS:
            raise UserError(
                f"{where}.files.{key}: expected a split ({', '.join(SPLITS)}), or one with a part "
                f"as in train.1, found {key!r}."
            )
        # Numbered parts are pieces of one table; others mean something to the loader.
        found.setdefault(split, {}).setdefault("" if part.isdigit() else part, []).append(
            Path(file["path"])
        )
    return found


def fetched_files(
    folder: Path, subset: str | None, patterns: dict[str, str | list[str]], where: str
) -> RawFiles:
    """Data files of a fetched repository by split.

    Args:
        folder: the repository's files.
        subset: only files below a folder of this name, if there is one.
        patterns: glob patterns by split; none: splits are found by the files' names.

    Raises:
        UserError: a pattern that fits no file, or no file that names a split.
    """
    found: RawFiles = {}
    for split, globs in patterns.items():
        globs = [globs] if isinstance(globs, str) else globs
        files = sorted({file for glob in globs for file in folder.glob(glob) if file.is_file()})
        if not files:
            raise UserError(
                f"{where}.parameters.splits.{split}: no fetched file fits {', '.join(globs)}; "
                f"there are {_listed(folder)}."
            )
        found[split] = {"": files}
    if patterns:
        return found
    for split, names in SPLITS.items():
        files = [file for file in _data_files(folder, subset) if _names(file, folder, names)]
        if files:
            found[split] = {"": files}
    if not found:
        raise UserError(
            f"{where}: no fetched file names a split ({', '.join(SPLITS)}); there are "
            f"{_listed(folder)}; say which in {where}.parameters.splits."
        )
    return found


def _data_files(folder: Path, subset: str | None) -> list[Path]:
    suffixes = (".parquet", ".csv", ".tsv", ".json", ".jsonl")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in suffixes]
    below = [f for f in files if subset and subset in f.relative_to(folder).parts[:-1]]
    return below or files


def _names(file: Path, folder: Path, names: tuple[str, ...]) -> bool:
    words = re.split(r"[^a-z]+", str(file.relative_to(folder)).lower())
    return any(name in words for name in names)


def _listed(folder: Path) -> str:
    files = sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())
    more = f" and {len(files) - 8} more" if len(files) > 8 else ""
    return (", ".join(files[:8]) + more) or "none"
