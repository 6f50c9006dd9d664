"""One evaluation task to score, as plain data without any heavy import."""

from dataclasses import dataclass

SPLITS = ("test", "dev")
ENGINES = ("fast", "stock")
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class EvalTask:
    """One lm-eval task, the split to score and how its items are grouped.

    Attributes:
        name: lm-eval's task name; the `probe` column of the tables.
        include_path: folder with the task's YAML; None: one of Lethe's or lm-eval's own tasks.
        dataset_path: folder with the files of the task's hub dataset; None: the YAML names its
            data.
        copies: pairs of a hub dataset's name and a folder with its files, for tasks that name it.
        split: `test`, or `dev`: the YAML's validation_split replaces its test_split.
        shots: examples before each question.
        limit: number of documents to score, from the first; None: all.
        axis: knowledge, reasoning, reading, bias or own; carried into the results unchanged.
        chance: expected score of guessing, a fraction; carried into the results unchanged.
        cluster: column; items with equal values are dependent. None, or absent from the documents:
            each item is its own cluster.
        subset: column whose values get their own rows in addition to the row for all items.
    """

    name: str
    include_path: str | None
    split: str = "test"
    shots: int = 0
    limit: int | None = None
    axis: str = ""
    chance: float | None = None
    cluster: str | None = "cluster"
    subset: str | None = None
    dataset_path: str | None = None
    copies: tuple[tuple[str, str], ...] = ()
