"""What is compared: a checkpoint, result files of lm-eval, or what `lethe evaluate` kept."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.errors import UserError

CHECKPOINT, LM_EVAL, KEPT = "checkpoint", "lm-eval", "kept"
SHOWS_CHECKPOINT = ("config.json", "adapter_config.json")
RESULT = "results_*.json"
STORED = re.compile(r".+-[0-9a-f]{12}\.json")
EXPECTED = (
    "a checkpoint of a study by words (xs/base), which are known once the study was run (`lethe "
    "run`, and --results if its results lie elsewhere), a checkpoint's or adapter's folder, a name "
    "of the hub (OWNER/NAME), a file or folder that `lm_eval --output_path` wrote, or what `lethe "
    "evaluate` kept (`--json` or `--out`)"
)


@dataclass(frozen=True)
class Target:
    """given: as on the command line. label: its short name, unlike that of any other target.

    files: the result files, if it has any; a checkpoint has none.
    """

    given: str
    label: str
    kind: str
    files: tuple[Path, ...] = ()


def find_targets(given: Sequence[str]) -> list[Target]:
    """The targets in order, BEFORE first.

    Raises:
        UserError: one is nothing that can be compared, or is named twice.
    """
    repeated = [text for text, count in Counter(given).items() if count > 1]
    if repeated:
        raise UserError(f"Expected different checkpoints to compare, found {repeated[0]} twice.")
    return [_find(text, label) for text, label in zip(given, labels(given), strict=True)]


def labels(given: Sequence[str]) -> list[str]:
    """The ends of the paths, as long as they must be to differ."""
    parts = [text.rstrip("/").split("/") for text in given]
    for length in range(1, max(map(len, parts)) + 1):
        ends = ["/".join(part[-length:]) for part in parts]
        if len(set(ends)) == len(ends):
            return ends
    return list(given)


def _find(text: str, label: str) -> Target:
    path = Path(text)
    if path.is_file():
        return _of_file(path, text, label)
    if path.is_dir():
        return _of_folder(path, text, label)
    if re.fullmatch(r"[\w.-]+/[\w.-]+(@\w+)?|[\w-]+", text) and not text.endswith(".json"):
        return Target(text, label, CHECKPOINT)
    raise UserError(f"{text}: there is no such file or folder; expected {EXPECTED}.")


def _of_file(path: Path, text: str, label: str) -> Target:
    if path.suffix == ".jsonl":
        raise UserError(
            f"{path}: give the file of results (results_DATE.json), not of samples; samples beside "
            "it are found by themselves."
        )
    content = read_json(path)
    keys = content.keys() if isinstance(content, dict) else set()
    is_kept = isinstance(content, list) or keys == {"check", "value"}
    return Target(text, label, KEPT if is_kept else LM_EVAL, (path,))


def _of_folder(folder: Path, text: str, label: str) -> Target:
    if any((folder / name).is_file() for name in SHOWS_CHECKPOINT):
        return Target(text, label, CHECKPOINT)
    # lm-eval makes a folder for each model inside the one that it is given.
    if found := sorted([*folder.glob(RESULT), *folder.glob(f"*/{RESULT}")]):
        return Target(text, label, LM_EVAL, tuple(found))
    if kept := sorted(path for path in folder.glob("*.json") if STORED.fullmatch(path.name)):
        return Target(text, label, KEPT, tuple(kept))
    raise UserError(f"{folder}: nothing in it can be compared; expected {EXPECTED}.")
