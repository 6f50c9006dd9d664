"""How often 95 % intervals of end tasks over stems cover: `python benchmarks/end_task_coverage.py`.

Simulated end tasks of three classes: each stem has one class, and ITEMS sentences ask for it. A
stem's share of right answers is drawn from a beta distribution whose intraclass correlation is
given; a wrong answer is one of the two other classes. A later checkpoint knows each stem as the one
before, or by a new draw. Printed by number of stems, correlation and true scores: coverage in % and
median width in points of macro-F1 and of its difference between two checkpoints, for the intervals
of the metrics table (`lethe.metrics.clustered`), and for the percentiles of as many stems drawn
again.
"""

import argparse
from itertools import product

import numpy as np
from interval_coverage import Setting, simulated_answers

from lethe.endtasks.f1 import macro_f1_values
from lethe.metrics.clustered import difference, item_score, level

CLASSES, ITEMS = 3, 20


def simulated(stems: int, icc: float, shares: tuple[float, ...], generator) -> tuple:
    """Right classes (items,), predictions by checkpoint (stages, items), and stems (items,)."""
    answers = simulated_answers(Setting((ITEMS,) * stems, icc, shares), 1, generator)[:, :, 0].T
    stem = np.repeat(np.arange(stems), ITEMS)
    truth = stem % CLASSES
    shifted = (truth + generator.integers(1, CLASSES, len(truth))) % CLASSES
    return truth, np.where(answers > 0, truth, shifted), stem


def ends(truth, predictions, stem, resamples: int, generator) -> dict[str, tuple]:
    """(low, high) by kind of interval, in points."""
    names = [f"stem {number}" for number in stem]
    before, after = (item_score(macro_f1_values(truth, one), names) for one in predictions)
    found = {
        "score": level([after], 0, resamples),
        "difference": difference([(1.0, after), (-1.0, before)], 0, resamples),
    }
    kept = {name: (100 * one.low, 100 * one.high) for name, one in found.items()}
    stems = stem.max() + 1
    drawn = generator.multinomial(stems, np.full(stems, 1 / stems), resamples)
    scores = np.stack([weighted_f1(truth, one, drawn[:, stem]) for one in predictions])
    old = {"score": scores[1], "difference": scores[1] - scores[0]}
    return kept | {
        f"{name}, percentiles": tuple(100 * np.quantile(values, [0.025, 0.975]))
        for name, values in old.items()
    }


def weighted_f1(truth, predicted, weights) -> np.ndarray:
    """Macro-F1 of items with weights, (resamples,), over the classes that were drawn."""
    scores = []
    for label in range(CLASSES):
        right, guessed = truth == label, predicted == label
        both = weights @ (right.astype(float) + guessed)
        with np.errstate(invalid="ignore"):
            scores.append(weights @ (2.0 * (right & guessed)) / both)
    return np.nanmean(scores, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    kinds = ("score", "score, percentiles", "difference", "difference, percentiles")
    print("| stems | ICC | before, after | " + " | ".join(kinds) + " |")
    print("|---" * 7 + "|")
    for stems, icc, shares in product(
        (6, 12, 24, 36), (0.1, 0.5, 0.8), ((0.5, 0.5), (0.8, 0.7), (0.95, 0.8))
    ):
        truths = {"score": 100 * shares[1], "difference": 100 * (shares[1] - shares[0])}
        found: dict[str, list] = {kind: [] for kind in kinds}
        for _ in range(arguments.simulations):
            made = simulated(stems, icc, shares, generator)
            for kind, pair in ends(*made, arguments.resamples, generator).items():
                found[kind].append(pair)
        cells = []
        for kind in kinds:
            low, high = np.array(found[kind]).T
            truth = truths[kind.partition(",")[0]]
            covered = np.mean((low <= truth + 1e-9) & (truth - 1e-9 <= high))
            cells.append(f"{100 * covered:.1f}, {np.median(high - low):.1f}")
        print(
            f"| {stems} | {icc} | {shares[0]}, {shares[1]} | " + " | ".join(cells) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
