"""How often 95 % intervals of end tasks over stems cover: `python benchmarks/end_task_coverage.py`.

Simulated end tasks of three classes: each stem has one class, and ITEMS sentences ask for it. A
stem's share of right answers is drawn from a beta distribution whose intraclass correlation is
given; a wrong answer is one of the two other classes. A later checkpoint knows each stem as the one
before, or by a new draw. Printed by number of stems, correlation and true scores: coverage in % and
median width in points of macro-F1 and of its difference between two checkpoints, for the intervals
of the metrics table (`lethe.metrics.clustered`), and for the percentiles of as many stems drawn
again.

A second table is of cloze: means over three domains of twelve stems each, of which some are the
same in all three, for the intervals of the metrics table (`lethe.metrics.row_intervals`) with
stems drawn once for all domains, and with stems drawn apart in each.
"""

import argparse
from itertools import product

import numpy as np
from interval_coverage import Setting, simulated_answers

from lethe.endtasks.f1 import macro_f1_values
from lethe.metrics.cells import Cells, Evaluation
from lethe.metrics.clustered import difference, item_score, level
from lethe.metrics.drawn_clusters import DrawnClusters
from lethe.metrics.intervals import cluster_weights, resampled_means
from lethe.metrics.row_intervals import row_interval

CLASSES, ITEMS = 3, 20
DOMAINS, STEMS, HIDDEN = 3, 12, 8
"""Of cloze: domains, stems of each, and items of a stem in each."""
MEANS = {
    "cloze_final": lambda scores: scores[..., 1, :].mean(-1),
    "cloze_forgotten": lambda scores: (scores[..., 0, :] - scores[..., 1, :]).mean(-1),
}


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


def cloze(common: int, icc: float, shares: tuple[float, ...], simulations: int, resamples: int,
          generator) -> dict[tuple[str, str], tuple[float, float]]:  # fmt: skip
    """Coverage and median width, both in %, by number and by how stems are drawn.

    common: stems that are in all domains, known there alike.
    """
    stems = common + DOMAINS * (STEMS - common)
    of_domain = [
        [*range(common), *range(first, first + STEMS - common)]
        for first in range(common, stems, max(STEMS - common, 1))
    ] or [list(range(common))] * DOMAINS
    # A stem has items of its own in each domain.
    setting = Setting((DOMAINS * HIDDEN,) * stems, icc, shares)
    answers = simulated_answers(setting, simulations, generator)
    answers = answers.reshape(stems, DOMAINS, HIDDEN, len(shares), simulations)
    scores = np.stack([answers[own, d] for d, own in enumerate(of_domain)])
    once = cluster_weights(stems, resamples, generator)
    apart = [cluster_weights(STEMS, resamples, generator) for _ in of_domain]
    place = np.repeat(np.arange(STEMS), HIDDEN)
    drawn = {"once": [], "apart": []}
    for own, weights, of_one in zip(of_domain, apart, scores, strict=True):
        columns = of_one.reshape(STEMS * HIDDEN, -1)
        for how, draw in (("once", once[:, own]), ("apart", weights)):
            means = resampled_means(columns, place, draw)
            drawn[how].append(means.reshape(resamples, len(shares), simulations))
    present = [np.isin(np.arange(stems), own) for own in of_domain]
    truth = {"cloze_final": shares[1], "cloze_forgotten": shares[0] - shares[1]}
    values = scores.mean((1, 2))
    found = {}
    for how, replicates in drawn.items():
        clusters = {d: DrawnClusters(("stems",), mask) for d, mask in enumerate(present)}
        for name, function in MEANS.items():
            ends = np.array([
                row_interval(
                    name,
                    float(function(values[..., n].T)),
                    _cells(values[..., n].T, np.stack(replicates, -1)[:, :, n],
                           clusters if how == "once" else {}),
                    list(range(DOMAINS)),
                    function,
                )
                for n in range(simulations)
            ])  # fmt: skip
            low, high = 100 * ends.T
            true = 100 * truth[name]
            covered = (low <= true + 1e-9) & (true - 1e-9 <= high)
            found[name, how] = 100 * float(covered.mean()), float(np.median(high - low))
    return found


def _cells(values: np.ndarray, replicates: np.ndarray, clusters: dict) -> Cells:
    """Of one simulation. values: (stages, DOMAINS)."""
    unknown = np.full(DOMAINS, np.nan)
    return Cells(
        [Evaluation("domain", f"cloze_{d}", "", "cloze") for d in range(DOMAINS)],
        ["a"],
        values,
        replicates,
        chance=unknown,
        base_stderr=unknown,
        n_items=np.full(DOMAINS, STEMS * HIDDEN),
        n_units=np.full(DOMAINS, STEMS),
        units=["item clusters"] * DOMAINS,
        cell_notes=[[] for _ in range(DOMAINS)],
        clusters=clusters,
    )


def print_cloze(simulations: int, resamples: int, generator) -> None:
    kinds = list(product(MEANS, ("once", "apart")))
    heads = [f"{name}, stems drawn {how}" for name, how in kinds]
    print("\n| common stems | ICC | before, after | " + " | ".join(heads) + " |")
    print("|---" * 7 + "|")
    for common, icc, shares in product((0, 6, 12), (0.1, 0.5, 0.8), ((0.5, 0.5), (0.95, 0.8))):
        found = cloze(common, icc, shares, simulations, resamples, generator)
        cells = [f"{found[kind][0]:.1f}, {found[kind][1]:.1f}" for kind in kinds]
        print(f"| {common} | {icc} | {shares[0]}, {shares[1]} | " + " | ".join(cells) + " |",
              flush=True)  # fmt: skip


def print_end_tasks(simulations: int, resamples: int, generator) -> None:
    kinds = ("score", "score, percentiles", "difference", "difference, percentiles")
    print("| stems | ICC | before, after | " + " | ".join(kinds) + " |")
    print("|---" * 7 + "|")
    for stems, icc, shares in product(
        (6, 12, 24, 36), (0.1, 0.5, 0.8), ((0.5, 0.5), (0.8, 0.7), (0.95, 0.8))
    ):
        truths = {"score": 100 * shares[1], "difference": 100 * (shares[1] - shares[0])}
        found: dict[str, list] = {kind: [] for kind in kinds}
        for _ in range(simulations):
            made = simulated(stems, icc, shares, generator)
            for kind, pair in ends(*made, resamples, generator).items():
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("end_tasks", "cloze"))
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    if arguments.only != "cloze":
        print_end_tasks(arguments.simulations, arguments.resamples, generator)
    if arguments.only != "end_tasks":
        print_cloze(arguments.simulations, arguments.resamples, generator)


if __name__ == "__main__":
    main()
