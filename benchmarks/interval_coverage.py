"""How often 95 % intervals over items cover: `python benchmarks/interval_coverage.py`.

Simulated sets of items in clusters, scored at a base and after two stages. A cluster's share of
right answers is drawn from a beta distribution whose intraclass correlation is given, again or with
the same rank at the next checkpoint; an item's answer likewise. The intervals are those of the
metrics table (`row_interval`); beside them stand the percentiles of as many draws as there are
clusters, which they replaced. Printed: coverage in % and mean width, new and old; by number of
clusters and correlation over all other settings (least and mean coverage, median width), or with
`--every` by setting.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import betaincinv

from lethe.metrics.cells import Cells, Evaluation
from lethe.metrics.general import fg_chance, fg_luo
from lethe.metrics.intervals import RESAMPLES, cluster_weights, resampled_means
from lethe.metrics.row_intervals import row_interval

CHANCE = 0.25
# Ranks of clusters and answers to items are those of the checkpoint before with this probability.
KEPT = 0.6
STATISTICS = {
    "score_acc": lambda scores: scores[..., 0, 0],
    "drop_points": lambda scores: 100 * (scores[..., 0, 0] - scores[..., -1, 0]),
    "fg_luo": fg_luo.metric.function,
    "fg_chance": lambda scores: fg_chance.metric.function(
        scores, np.array([CHANCE]), np.array([0.0])
    ),
}


@dataclass(frozen=True)
class Setting:
    """sizes: items of each cluster. icc: intraclass correlation. shares: true score by stage."""

    sizes: tuple[int, ...]
    icc: float
    shares: tuple[float, ...]

    def __str__(self) -> str:
        sizes = sorted(set(self.sizes))
        items = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        stages = " ".join(f"{share:.2f}" for share in self.shares)
        return f"{len(self.sizes)} clusters of {items}, ICC {self.icc:g}, {stages}"

    @property
    def group(self) -> str:
        """What is summed up in one row."""
        if set(self.sizes) == {1}:
            return f"{len(self.sizes)} independent items"
        return f"{len(self.sizes)} clusters, ICC {self.icc:g}"


@dataclass(frozen=True)
class Coverage:
    """Share of simulations whose interval holds the truth, and the mean width of the intervals."""

    covered: float
    width: float


def measure(
    setting: Setting, simulations: int, resamples: int, seed: int, names: tuple[str, ...]
) -> dict[str, tuple[Coverage, Coverage]]:
    """By statistic: the intervals of the metrics table, and the percentiles that they replaced."""
    generator = np.random.default_rng(seed)
    answers = simulated_answers(setting, simulations, generator)
    clusters, stages = len(setting.sizes), len(setting.shares)
    cluster = np.repeat(np.arange(clusters), setting.sizes)
    columns = answers.reshape(len(cluster), -1)
    weights = cluster_weights(clusters, resamples, generator)
    as_many = generator.multinomial(clusters, np.full(clusters, 1 / clusters), resamples)
    drawn, before = (
        resampled_means(columns, cluster, draw).reshape(resamples, stages, simulations)
        for draw in (weights, as_many.astype(float))
    )
    means = answers.mean(0)
    truth = np.array(setting.shares)[:, None]
    found = {}
    for name in names:
        function = STATISTICS[name]
        ends = np.array([
            row_interval(
                name,
                float(function(means[:, [place]])),
                _cells(setting, means[:, [place]], drawn[:, :, [place]]),
                [0],
                function,
            )
            for place in range(simulations)
        ])  # fmt: skip
        old = function(np.moveaxis(before, 2, 0)[..., None])
        old_ends = np.quantile(old, [0.025, 0.975], axis=1).T
        found[name] = tuple(_coverage(each, float(function(truth))) for each in (ends, old_ends))
    return found


def simulated_answers(
    setting: Setting, simulations: int, generator: np.random.Generator
) -> np.ndarray:
    """Right (1) or wrong (0), (items, stages, simulations)."""
    sizes = np.array(setting.sizes)
    rank = generator.random((len(sizes), simulations))
    ease = generator.random((sizes.sum(), simulations))
    answers = []
    for share in setting.shares:
        rank = _partly_new(rank, generator)
        ease = _partly_new(ease, generator)
        of_cluster = np.full_like(rank, share)
        if setting.icc:
            total = 1 / setting.icc - 1
            of_cluster = betaincinv(share * total, (1 - share) * total, rank)
        answers.append(ease < np.repeat(of_cluster, sizes, axis=0))
    return np.stack(answers, axis=1).astype(float)


def _partly_new(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    fresh = generator.random(values.shape)
    return np.where(generator.random(values.shape) < KEPT, values, fresh)


def _cells(setting: Setting, values: np.ndarray, replicates: np.ndarray) -> Cells:
    return Cells(
        evaluations=[Evaluation("reading", "simulated", "", "acc")],
        history=[f"stage {stage}" for stage in range(1, len(setting.shares))],
        values=values,
        replicates=replicates,
        chance=np.array([CHANCE]),
        base_stderr=np.zeros(1),
        n_items=np.array([sum(setting.sizes)]),
        n_units=np.array([len(setting.sizes)]),
        units=["item clusters"],
        cell_notes=[[]],
    )


def _coverage(ends: np.ndarray, truth: float) -> Coverage:
    # A ratio is not defined where a base is at 0 or at chance.
    low, high = ends[np.isfinite(ends).all(axis=1)].T
    inside = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
    return Coverage(float(inside.mean()), float(np.mean(high - low)))


def settings() -> Iterator[Setting]:
    """Clusters of equal and of unequal size, and independent items."""
    unequal = (5, 10, 15, 20, 40, 5, 5, 8)
    every_size = [(20,) * count for count in (8, 10, 20, 50)] + [(5,) * 8, (40,) * 8]
    every_size += [tuple(np.resize(unequal, count).tolist()) for count in (8, 20)]
    falls = {0.3: (0.3, 0.3), 0.7: (0.6, 0.5), 0.9: (0.8, 0.7)}
    for sizes, icc, base in product(every_size, (0.0, 0.1, 0.5), falls):
        yield Setting(sizes, icc, (base, *falls[base]))
    for items, base in product((30, 100, 300), falls):
        yield Setting((1,) * items, 0.0, (base, *falls[base]))
    for count, icc, base in product((3, 5), (0.0, 0.1, 0.5), falls):
        yield Setting((20,) * count, icc, (base, *falls[base]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=RESAMPLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", action="store_true", help="print every setting")
    arguments = parser.parse_args()
    names = tuple(STATISTICS)
    print("| setting | " + " | ".join(f"{name}: new; old" for name in names) + " |")
    print("|---" * (len(names) + 1) + "|")
    groups: dict[str, list[dict]] = {}
    for setting in settings():
        found = measure(setting, arguments.simulations, arguments.resamples, arguments.seed, names)
        if arguments.every:
            print(_row(str(setting), [found], names), flush=True)
        groups.setdefault(setting.group, []).append(found)
    for group, found in groups.items():
        print(_row(group, found, names), flush=True)


def _row(head: str, found: list[dict], names: tuple[str, ...]) -> str:
    cells = [
        "; ".join(_summary([each[name][place] for each in found]) for place in (0, 1))
        for name in names
    ]
    return f"| {head} | " + " | ".join(cells) + " |"


def _summary(found: list[Coverage]) -> str:
    covered = [100 * one.covered for one in found]
    width = float(np.median([one.width for one in found]))
    return f"{min(covered):.1f}, {np.mean(covered):.1f}, {width:.3g}"


if __name__ == "__main__":
    main()
