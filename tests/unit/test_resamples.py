"""Replicates of every metric from its items: paired over checkpoints, in clusters, bounded."""

import numpy as np
import pandas as pd
import pytest

from lethe.metrics.resamples import SENTENCE_NOTE, STDERR_NOTE, ItemResamples

RESAMPLES = 2000
MIDDLE = [0.025, 0.975]


def table(values: dict[str, dict[str, np.ndarray]], clusters: np.ndarray, subset=""):
    """Items of one set: values by metric and checkpoint; `correct` is what no metric here is."""
    parts = []
    for node in next(iter(values.values())):
        columns = {
            (metric if metric in ("gold_logprob", "margin") else f"value_{metric}"): of_node[node]
            for metric, of_node in values.items()
        }
        rows = pd.DataFrame(columns)
        names = [f"item-{number:04d}" for number in range(len(rows))]
        clustered = [f"cluster-{cluster:04d}" for cluster in clusters]
        rows = rows.assign(node=node, item_id=names, cluster_id=clustered, subset=subset)
        parts.append(rows.sample(frac=1, random_state=len(parts)))  # in another order each time
    return pd.concat(parts, ignore_index=True)


def scores(values: dict[str, dict[str, np.ndarray]], **changes) -> pd.DataFrame:
    """The rows of the scores table: the mean of every metric on every checkpoint."""
    rows = [
        {
            "node": node,
            "probe": "quiz",
            "subset": "",
            "metric": metric,
            "value": float(np.nanmean(array)),
            "stderr": float(np.nanstd(array) / len(array) ** 0.5),
            "n": len(array),
            "higher_is_better": True,
            **changes,
        }
        for metric, of_node in values.items()
        for node, array in of_node.items()
    ]
    return pd.DataFrame(rows)


def drawn(values, clusters, seed=3, **changes):
    """Replicates by metric and checkpoint."""
    rows = scores(values, **changes)
    resamples = ItemResamples({"quiz": table(values, clusters)}, rows, seed, RESAMPLES)
    return {(row["metric"], row["node"]): resamples.replicates(row) for _, row in rows.iterrows()}


def two_stages(draw: np.random.Generator, clusters: np.ndarray) -> dict[str, np.ndarray]:
    """Right and wrong answers before and after; items of a cluster and stages depend together."""
    difficulty = draw.normal(size=clusters.max() + 1)[clusters] + draw.normal(size=len(clusters))
    return {
        node: (difficulty + 0.4 * draw.normal(size=len(clusters)) < level).astype(float)
        for node, level in {"before": 0.5, "after": 0.3}.items()
    }


def naive_drop(values: dict[str, np.ndarray], clusters: np.ndarray) -> tuple[float, float]:
    """A paired cluster bootstrap in a plain loop: percentiles of the drop in points."""
    draw = np.random.default_rng(11)
    members = [np.flatnonzero(clusters == c) for c in range(clusters.max() + 1)]
    drops = []
    for _ in range(RESAMPLES):
        chosen = draw.integers(len(members), size=len(members) - 1)
        items = np.concatenate([members[cluster] for cluster in chosen])
        drops.append(100 * (values["before"][items].mean() - values["after"][items].mean()))
    return tuple(np.percentile(drops, [2.5, 97.5]))


@pytest.mark.parametrize("metric", ["acc", "acc_norm", "exact_match", "f,strict-match", "margin"])
def test_the_interval_of_a_drop_is_that_of_a_naive_paired_cluster_bootstrap(metric):
    clusters = np.repeat(np.arange(60), 5)
    values = two_stages(np.random.default_rng(0), clusters)
    found = drawn({metric: values}, clusters)
    before, after = found[metric, "before"], found[metric, "after"]
    assert (before.units, before.unit, before.note) == (60, "item clusters", "")
    low, high = np.quantile(100 * (before.values - after.values), MIDDLE)
    assert (low, high) == pytest.approx(naive_drop(values, clusters), abs=0.5)
    # Drawn apart, as from standard errors, the two stages seem to differ by anything.
    apart = 100 * (before.values - np.random.default_rng(0).permutation(after.values))
    assert np.ptp(np.quantile(apart, MIDDLE)) > 1.5 * (high - low)


def test_all_metrics_of_a_set_share_one_draw():
    clusters = np.arange(80)
    values = two_stages(np.random.default_rng(1), clusters)
    opposite = {node: 1 - array for node, array in values.items()}
    found = drawn({"acc": values, "wrong": opposite}, clusters)
    for node in values:
        total = found["acc", node].values + found["wrong", node].values
        assert total == pytest.approx(np.ones(RESAMPLES))


def test_a_metric_that_has_no_value_for_an_item_falls_back_and_others_do_not():
    clusters = np.arange(50)
    values = two_stages(np.random.default_rng(2), clusters)
    lacking = {"before": values["before"].copy(), "after": values["after"].copy()}
    lacking["after"][3] = np.nan
    found = drawn({"acc": values, "f1": lacking}, clusters)
    assert found["f1", "after"].note == STDERR_NOTE and found["acc", "after"].note == ""


def test_a_metric_that_is_not_the_mean_of_its_items_falls_back_on_every_checkpoint():
    clusters = np.arange(50)
    # As Matthews' correlation: an item alone has 0, and so has a model that always says the same.
    nothing = {"before": np.zeros(50), "after": np.zeros(50)}
    rows = scores({"mcc": nothing}, stderr=0.1)
    rows["value"] = [0.6, 0.0]
    resamples = ItemResamples({"quiz": table({"mcc": nothing}, clusters)}, rows, 0, RESAMPLES)
    for row in rows.to_dict("records"):
        assert resamples.replicates(row).note == STDERR_NOTE


@pytest.mark.parametrize("name", ["sari", "bleu", "chrf", "bleu,strict"])
def test_a_corpus_level_share_is_bracketed_by_its_sentences_within_its_bounds(name):
    clusters = np.arange(40)
    sentences = {"before": np.random.default_rng(0).random(40)}
    rows = scores({name: sentences}).assign(value=0.02)
    items = {"quiz": table({name: sentences}, clusters)}
    found = ItemResamples(items, rows, 0, RESAMPLES).replicates(rows.iloc[0])
    assert found.note == SENTENCE_NOTE
    assert found.values.min() == 0 and found.values.max() > 0.1
    # On a scale of 0 to 100 nothing is cut.
    large = {"before": 100 * sentences["before"]}
    rows = scores({name: large}).assign(value=99.0)
    items = {"quiz": table({name: large}, clusters)}
    assert ItemResamples(items, rows, 0, RESAMPLES).replicates(rows.iloc[0]).values.max() > 100


@pytest.mark.parametrize("value", [0.0, 0.003, 0.05, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("stderr", [0.0, 0.002, 0.03, 0.15, 0.6])
def test_a_share_with_a_standard_error_alone_stays_one_of_that_mean_and_spread(value, stderr):
    rows = scores({"acc": {"base": np.zeros(9)}}, value=value, stderr=stderr)
    found = ItemResamples({}, rows, 5, RESAMPLES).replicates(rows.iloc[0])
    assert found.note == STDERR_NOTE and found.units == 9
    assert found.values.min() >= 0 and found.values.max() <= 1
    if stderr**2 < value * (1 - value):
        assert found.values.mean() == pytest.approx(value, abs=4 * stderr / RESAMPLES**0.5 + 1e-9)
        assert found.values.std() == pytest.approx(stderr, rel=0.25)


@pytest.mark.parametrize(
    ("metric", "value", "better"),
    [("margin", 0.1, True), ("word_perplexity", 0.1, False), ("bits_per_byte", 0.9, False)],
)
def test_what_is_no_share_is_not_bounded(metric, value, better):
    rows = scores({metric: {"base": np.zeros(9)}}, value=value, stderr=0.5, higher_is_better=better)
    values = ItemResamples({}, rows, 5, RESAMPLES).replicates(rows.iloc[0]).values
    assert values.min() < 0 and values.max() > 1


def test_the_parts_of_a_set_are_resampled_with_its_own_clusters():
    clusters = np.repeat(np.arange(20), 4)
    part = np.where(np.arange(80) < 24, "age", "region")
    right = np.random.default_rng(0).random(80).round()
    rows = pd.concat(
        scores({"acc": {"base": right[chosen]}}).assign(subset=name)
        for name, chosen in {"": slice(None), "age": part == "age"}.items()
    )
    items = {"quiz": table({"acc": {"base": right}}, clusters, part)}
    resamples = ItemResamples(items, rows, 0, RESAMPLES)
    whole, age = (resamples.replicates(row) for row in rows.to_dict("records"))
    assert (whole.units, age.units, age.unit) == (20, 6, "item clusters")
    assert np.nanmean(age.values) == pytest.approx(right[:24].mean(), abs=0.05)


def test_checkpoints_with_other_items_are_drawn_by_their_own():
    long, short = (np.random.default_rng(0).random(n).round() for n in (30, 20))
    items = pd.concat(
        table({"acc": {node: right}}, np.arange(len(right)))
        for node, right in {"before": long, "after": short}.items()
    )
    rows = pd.concat([scores({"acc": {"before": long}}), scores({"acc": {"after": short}})])
    resamples = ItemResamples({"quiz": items}, rows, 0, RESAMPLES)
    found = [resamples.replicates(row) for row in rows.to_dict("records")]
    assert [(one.units, one.note) for one in found] == [(30, ""), (20, "")]
