"""What is to be scored: one evaluation task, as plain data without any heavy import."""

from dataclasses import dataclass

SPLITS = ("test", "dev")
ENGINES = ("fast", "stock")


@dataclass(frozen=True)
class EvalTask:
    """One lm-eval task, the split that is scored and how its items are grouped.

    Attributes:
        name: lm-eval's task name; the `probe` column of the tables.
        include_path: folder with the task's YAML; None for the tasks that lm-eval ships.
        dataset_path: folder with the files of the task's hub dataset; None: the YAML says where
            its data is.
        split: `test`, or `dev`: the YAML's validation_split takes the place of its test_split.
        shots: examples put before each question.
        limit: score only the first so many documents; None for all.
        axis: knowledge, reasoning, reading, bias or own; carried into the results unchanged.
        chance: score of guessing, a fraction; carried into the results unchanged.
        cluster: column whose equal values make items dependent; None, or absent from the
            documents: each item its own.
        subset: column whose values get rows of their own beside the row of all items.
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
