"""Folds of an end task: a copy of the checkpoint for each, one after the other, scored together.

A domain has few stems whose class can be asked. In folds each of them is labelled in one copy's
texts and asked of another copy, so that more of them are tested.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from lethe.artefacts.kept import keep, read_kept
from lethe.data.draws import seed_of
from lethe.endtasks.finetune import Settings, answers, fine_tune
from lethe.endtasks.labelled import LabelledTask
from lethe.endtasks.scoring import Answers, scored
from lethe.endtasks.slot import MARK, require_slots
from lethe.models.tokenizer import load_tokenizer
from lethe.training.snapshots import Snapshots

SnapshotsIn = Callable[[Path, dict], Snapshots]
"""Makes the snapshots of a folder; the second argument is what they belong to."""


def fine_tune_folds(
    directory: Path,
    folds: Sequence[LabelledTask],
    settings: Settings,
    seed: int,
    work: Path,
    key: str,
    snapshots_in: SnapshotsIn,
) -> dict:
    """The result of a seed (`scoring.scored`), from one copy of a checkpoint for each fold.

    With one fold it is `fine_tune`. With more, a fold's seed is drawn from `seed` and its number,
    and its answers are kept in `work` until those of all folds are there.

    Args:
        work: folder of interrupted work of this seed.
        key: digest of everything but the seed that the answers depend on.

    Raises:
        UserError: as `answers`; of a text without its slot before anything is trained.
        Stopped: the job was asked to end, and has saved its state.
    """
    identity = {"key": key, "seed": seed}
    if len(folds) == 1:
        return fine_tune(directory, folds[0], settings, seed, snapshots_in(work, identity))
    if settings.reads == "slot":
        # Before the first fold is trained, not after it.
        mark = load_tokenizer(directory).mask_token or MARK
        for task in folds:
            for split in task.splits.values():
                require_slots(split, mark)
    given = []
    for fold, task in enumerate(folds, start=1):
        folder = fold_folder(work, fold)
        file = folder / f"answers-{key[:12]}.json"
        kept = read_kept(file)
        if kept is None:
            snapshots = snapshots_in(folder, {**identity, "fold": fold})
            made = answers(directory, task, settings, seed_of(seed, fold), snapshots)
            keep(file, vars(made))
            snapshots.remove()
            kept = vars(made)
        given.append(Answers(**kept))
    return scored(folds, given, seed)


def remove_work(work: Path, folds: int) -> None:
    """Remove what is left of a seed's work once its result is kept."""
    for fold in range(1, folds + 1):
        shutil.rmtree(fold_folder(work, fold), ignore_errors=True)


def fold_folder(work: Path, fold: int) -> Path:
    """Where the work of one fold lies."""
    return work / f"fold-{fold}"
