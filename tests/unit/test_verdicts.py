"""Verdicts at a margin: against a naive likelihood, a bootstrap, and simulated error rates."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import stdtrit
from scipy.stats import binom, norm, pearson3

from lethe.metrics.drops import TAIL, corpus_drop, paired_drop, unpaired_drop
from lethe.metrics.intervals import cluster_weights, resampled_means
from lethe.metrics.verdicts import KEPT, LOST, UNDECIDED, Question, items_needed, judge


def answers(kept: int, lost: int, regained: int, never: int) -> tuple[np.ndarray, np.ndarray]:
    before = np.repeat([1.0, 1.0, 0.0, 0.0], [kept, lost, regained, never])
    after = np.repeat([1.0, 0.0, 1.0, 0.0], [kept, lost, regained, never])
    return before, after


def alone(before: np.ndarray, after: np.ndarray):
    """The drop with every item for itself."""
    return paired_drop(before, after, np.arange(len(before)))


def naive_p_value(lost: int, regained: int, n: int, drop: float) -> float:
    """That of more lost: the nuisance parameter by a search of the likelihood, half an item, and
    the distribution (Pearson III) that has the mean, variance and skewness of the difference."""

    def minus_log_likelihood(share: float) -> float:
        cells = np.array([share + drop, share, 1 - 2 * share - drop])
        counts = np.array([lost, regained, n - lost - regained])
        return float(-(counts * np.log(np.clip(cells, 1e-300, None))).sum())

    low, high = max(0.0, -drop), (1 - drop) / 2
    share = minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    values, shares = np.array([1, -1, 0]), np.array([share + drop, share, 1 - 2 * share - drop])
    variance = shares @ (values - drop) ** 2
    skewness = shares @ (values - drop) ** 3 / variance**1.5 / np.sqrt(n)
    away = (lost - regained) / n - drop
    away -= np.sign(away) * min(abs(away), 0.5 / n)
    return float(pearson3.sf(away / np.sqrt(variance / n), skewness))


@pytest.mark.parametrize("drop", [-0.1, -0.02, 0.02, 0.1, 0.2])
@pytest.mark.parametrize("cells", [(240, 48, 12, 100), (40, 8, 36, 316), (360, 4, 0, 36)])
def test_p_values_are_those_of_a_searched_likelihood(cells, drop):
    found = norm.sf(alone(*answers(*cells)).statistic.above(drop))
    naive = naive_p_value(cells[1], cells[2], 400, drop)
    assert found == pytest.approx(naive, rel=0.1, abs=1e-4)


@pytest.mark.parametrize("lost", [3, 6, 18, 22])
def test_few_changes_are_not_taken_for_rarer_than_the_binomial_distribution_says(lost):
    above = alone(*answers(400 - lost, lost, 0, 0)).statistic.above(0.03)
    found, exact = norm.cdf(above), binom.cdf(lost, 400, 0.03)
    if lost > 12:
        found, exact = norm.sf(above), binom.sf(lost - 1, 400, 0.03)
    assert 0.95 * exact < found < 2 * exact


def test_the_ends_of_an_interval_are_where_the_tests_have_their_level():
    drop = alone(*answers(60, 12, 3, 25))
    low, high = drop.interval()
    assert low < drop.value < high
    assert drop.p_above(low) == pytest.approx(TAIL, abs=1e-6)
    assert drop.p_below(high) == pytest.approx(TAIL, abs=1e-6)


def test_a_drop_and_its_reverse_have_mirrored_intervals():
    before, after = answers(60, 12, 3, 25)
    low, high = alone(before, after).interval()
    assert alone(after, before).interval() == pytest.approx((-high, -low), abs=1e-9)


def test_clusters_widen_an_interval_as_the_bootstrap_over_clusters_does():
    generator = np.random.default_rng(3)
    cluster = np.repeat(np.arange(60), 10)
    pull = generator.normal(size=60)[cluster]
    change = np.sign(np.round(0.4 * pull + 0.5 * generator.normal(size=600) + 0.2))
    before, after = (change > 0).astype(float), (change < 0).astype(float)
    drop = paired_drop(before, after, cluster)
    weights = cluster_weights(60, 20_000, generator)
    spread = resampled_means(change[:, None], cluster, weights)[:, 0].std()
    low, high = drop.interval()
    assert (high - low) / 2 == pytest.approx(stdtrit(59, 1 - TAIL) * spread, rel=0.05)
    assert high - low > 1.2 * np.diff(alone(before, after).interval())[0]


def test_few_items_of_which_none_changed_are_not_called_kept():
    # Of 100 items 2 % may be lost and none be seen, once in seven times.
    for kept, word in {100: UNDECIDED, 400: KEPT}.items():
        assert [v.word for v in judge([Question(alone(*answers(kept, 0, 0, 0)), 0.02)])] == [word]


def test_a_set_at_floor_is_never_called_kept_but_may_be_lost():
    same, fallen = alone(*answers(250, 0, 0, 750)), alone(*answers(0, 250, 0, 750))
    words = [v.word for v in judge([Question(same, 0.02, False), Question(fallen, 0.02, False)])]
    assert words == [UNDECIDED, LOST]
    assert judge([Question(same, 0.02, False)])[0].needed is None


def random_questions(generator: np.random.Generator, sets: int) -> list[Question]:
    found = []
    for _ in range(sets):
        cells = generator.multinomial(300, [0.5, generator.uniform(0, 0.2), 0.05, 0.1, 0.15][:5])
        found.append(Question(alone(*answers(*cells[:4])), 0.04))
    return found


def test_the_interval_of_a_verdict_lies_on_the_side_that_the_verdict_says():
    generator = np.random.default_rng(5)
    seen = set()
    for _ in range(40):
        questions = random_questions(generator, 6)
        for question, verdict in zip(questions, judge(questions), strict=True):
            low, high = question.drop.interval()
            expected = {LOST: verdict.low > 0.04, KEPT: verdict.high < 0.04}
            assert [word for word, holds in expected.items() if holds] == (
                [verdict.word] if verdict.word != UNDECIDED else []
            )
            # Holm only ever widens.
            assert verdict.low <= low + 1e-9 and verdict.high >= high - 1e-9
            seen.add(verdict.word)
    assert seen == {LOST, KEPT, UNDECIDED}


def test_a_single_set_is_judged_by_the_interval_that_is_shown():
    (question,) = random_questions(np.random.default_rng(0), 1)
    (verdict,) = judge([question])
    assert (verdict.low, verdict.high) == pytest.approx(question.drop.interval())


def test_holm_holds_the_largest_loss_to_all_sets_and_the_next_to_one_less():
    # 2.5 % over three sets is 0.83 %, over two 1.25 %.
    cells = [(700, 60, 10, 230), (700, 50, 14, 236), (700, 3, 3, 294)]
    questions = [Question(alone(*answers(*each)), 0.02) for each in cells]
    verdicts = judge(questions)
    assert [v.word for v in verdicts] == [LOST, UNDECIDED, KEPT]
    p = [question.drop.p_above(0.02) for question in questions]
    assert p[0] < TAIL / 3 and TAIL / 2 < p[1] < TAIL
    assert verdicts[1].alone and verdicts[1].low < 0.02 < questions[1].drop.interval()[0]
    assert [v.p_lost for v in verdicts[:2]] == pytest.approx([3 * p[0], 2 * p[1]])


def test_so_many_items_as_are_said_to_be_needed_decide():
    cells = (300, 30, 20, 50)
    question = Question(alone(*answers(*cells)), 0.02)
    (verdict,) = judge([question])
    assert verdict.word == UNDECIDED
    times = verdict.needed / 400
    for factor, word in {0.95: UNDECIDED, 1.05: LOST}.items():
        more = alone(*answers(*(int(round(count * times * factor)) for count in cells)))
        assert judge([Question(more, 0.02)])[0].word == word


def test_no_number_of_items_is_named_where_the_drop_equals_the_margin():
    question = Question(alone(*answers(90, 6, 4, 100)), 0.01)
    assert items_needed(question, (TAIL, TAIL)) is None


def test_scores_that_are_no_answers_have_the_interval_of_student():
    generator = np.random.default_rng(1)
    before, after = generator.normal(3, 1, 50), generator.normal(2.5, 1, 50)
    drop = paired_drop(before, after, np.arange(50))
    error = (before - after).std(ddof=1) / np.sqrt(50)
    half = stdtrit(49, 1 - TAIL) * error
    mean = (before - after).mean()
    assert drop.interval() == pytest.approx((mean - half, mean + half))
    moved = corpus_drop((30.0, 20.0), before, after, np.arange(50))
    assert moved.interval() == pytest.approx((10 - half, 10 + half))


def texts(number: int):
    """Mean losses of texts before and after, the longer ones lower, and their tokens."""
    generator = np.random.default_rng(4)
    tokens = generator.integers(5, 300, number).astype(float)
    before = 4 - tokens / 200 + generator.normal(0, 0.5, number)
    return before, before - 0.3 + generator.normal(0, 0.2, number) * (tokens < 100), tokens


def test_texts_that_are_equally_long_have_the_interval_of_a_mean():
    before, after, _ = texts(60)
    plain = paired_drop(before, after, np.arange(60))
    weighted = paired_drop(before, after, np.arange(60), tokens=np.full(60, 17.0))
    assert weighted.value == pytest.approx(plain.value)
    assert weighted.interval() == pytest.approx(plain.interval())


def test_the_drop_over_tokens_of_texts_has_the_spread_of_resampled_documents():
    before, after, tokens = texts(600)
    document = np.arange(600) // 3
    drop = paired_drop(before, after, document, tokens=tokens)
    assert drop.value == pytest.approx((tokens @ before - tokens @ after) / tokens.sum())
    weights = cluster_weights(200, 4000, np.random.default_rng(0))
    drawn = resampled_means((before - after)[:, None], document, weights, tokens[:, None])[:, 0]
    low, high = drop.interval()
    assert (high - low) / 2 == pytest.approx(stdtrit(199, 1 - TAIL) * drawn.std(), rel=0.04)
    # Right or wrong per text is no answer of an item: an average over tokens all the same.
    assert paired_drop(np.ones(3), np.zeros(3), range(3), tokens=np.ones(3)).value == 1.0


@pytest.mark.parametrize("kind", ["mean", "corpus", "errors"])
def test_shares_that_did_not_change_are_as_certain_as_their_items_are_many(kind):
    def unchanged(items: int):
        values = np.linspace(0.2, 0.7, items)
        if kind == "errors":
            return unpaired_drop(1.0, 1.0, (0.0, 0.0), items, is_share=True)
        if kind == "corpus":
            return corpus_drop((0.1, 0.1), values, values, np.arange(items), is_share=True)
        return paired_drop(values, values, np.arange(items), is_share=True)

    words = {items: judge([Question(unchanged(items), 0.02)])[0].word for items in (4, 60, 200)}
    assert words == {4: UNDECIDED, 60: UNDECIDED, 200: KEPT}
    # The naive reference: one coin toss before and one after, of 50 items.
    error = np.sqrt(2 * 0.25) / 50
    half = stdtrit(49, 1 - TAIL) * error
    assert unchanged(50).interval() == pytest.approx((-half, half))
    assert unchanged(2).interval() == (-1.0, 1.0)
    needed = judge([Question(unchanged(60), 0.02)])[0].needed
    for factor, word in {0.9: UNDECIDED, 1.1: KEPT}.items():
        assert judge([Question(unchanged(int(needed * factor)), 0.02)])[0].word == word


def test_two_standard_errors_add_where_nothing_is_paired():
    drop = unpaired_drop(0.7, 0.6, (0.03, 0.04), 10_000)
    assert drop.interval() == pytest.approx((0.1 - 0.098, 0.1 + 0.098), abs=1e-3)
    assert not drop.paired


def test_a_single_cluster_has_neither_interval_nor_verdict():
    drop = paired_drop(*answers(5, 3, 1, 1), ["one"] * 10)
    assert np.isnan(drop.interval()).all()
    assert judge([Question(drop, 0.02)])[0].word == UNDECIDED


def simulated(generator, drop: float, changed: float, clusters: int, shared: np.ndarray):
    """400 answers: items of a cluster, and clusters of the sets of one comparison, go together."""
    cluster = np.repeat(np.arange(clusters), 400 // clusters)
    of_cluster = np.sqrt(0.5) * shared + np.sqrt(0.5) * generator.normal(size=clusters)
    pull = np.sqrt(0.3) * of_cluster[cluster] + np.sqrt(0.7) * generator.normal(size=400)
    before = 1.0 - (pull < norm.ppf(changed))
    after = 1.0 - (pull > -norm.ppf(changed + drop))
    return paired_drop(before, after, cluster)


@pytest.mark.parametrize(("changed", "clusters"), [(0.05, 40), (0.1, 16), (0.0, 400)])
def test_a_wrong_verdict_on_any_set_is_rarer_than_one_in_twenty(changed, clusters):
    """All drops equal the margin, so every verdict is wrong: nothing is harder for the tests."""
    generator = np.random.default_rng(20)
    runs, wrong = 300, 0
    for _ in range(runs):
        shared = generator.normal(size=clusters)
        drops = [simulated(generator, 0.03, changed, clusters, shared) for _ in range(5)]
        wrong += any(v.word != UNDECIDED for v in judge([Question(d, 0.03) for d in drops]))
    assert wrong / runs <= 0.05


def test_large_losses_and_no_losses_are_found():
    generator = np.random.default_rng(21)
    found = []
    for _ in range(40):
        shared = generator.normal(size=40)
        drops = [simulated(generator, drop, 0.02, 40, shared) for drop in (0.2, 0.0)]
        found += [tuple(v.word for v in judge([Question(d, 0.06) for d in drops]))]
    assert sum(words == (LOST, KEPT) for words in found) > 25
