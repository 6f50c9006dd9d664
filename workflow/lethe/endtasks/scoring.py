"""Scores of an end task: the predictions of all its folds together."""

from collections.abc import Sequence
from dataclasses import dataclass

from lethe.endtasks.f1 import METRICS
from lethe.endtasks.labelled import LabelledTask, cluster_names


@dataclass(frozen=True)
class Answers:
    """What one copy predicts: by split the class index of every text, and its `halvings`."""

    predicted: dict[str, list[int]]
    halvings: list[list[int]]


def scored(folds: Sequence[LabelledTask], given: Sequence[Answers], seed: int) -> dict:
    """The result of a seed: the predictions of all folds together, and one score of each kind.

    Returns:
        `seed`; `counts` of texts by split, summed over folds; `scores` by split and metric
        (fractions); of every test item in the order of folds and files `predicted` and `classes`,
        indices of the class that was predicted and of the right one, and `clusters`, names; and
        `halvings`, the steps at which memory ran out, each with the rows of a micro-batch from then
        on.
    """
    splits = folds[0].splits.keys()
    classes = {
        split: [label for task in folds for label in task.splits[split].classes] for split in splits
    }
    predicted = {
        split: [label for one in given for label in one.predicted[split]]
        for split in sorted(splits - {"train"})
    }
    scores = {
        split: {name: metric(classes[split], labels) for name, metric in METRICS.items()}
        for split, labels in predicted.items()
    }
    return {
        "seed": seed,
        "counts": {split: len(labels) for split, labels in classes.items()},
        "scores": scores,
        "predicted": predicted["test"],
        "classes": classes["test"],
        "clusters": cluster_names([task.splits["test"] for task in folds]),
        "halvings": [halving for one in given for halving in one.halvings],
    }
