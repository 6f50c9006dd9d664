"""Names of the files of folds: `test-{fold}.jsonl` is `test-1.jsonl`, `test-2.jsonl`, ..."""

FOLD = "{fold}"


def of_fold(name: str, fold: int) -> str:
    """The name of a fold's file; folds are numbered from 1."""
    return name.replace(FOLD, str(fold))


def of_folds(name: str | None, folds: int) -> tuple[str, ...]:
    """The names of all folds' files; none without a name."""
    return tuple(of_fold(name, fold) for fold in range(1, folds + 1)) if name else ()
