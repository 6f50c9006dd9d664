"""Claims about methods: contrasts of end tasks on numbers set by hand, and their verdicts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from end_task_scores import losses_of, scores_of

from lethe.claims.cells import Question
from lethe.claims.method_contrasts import (
    main_tasks,
    method_difference,
    method_less_pool,
    method_value,
)
from lethe.claims.report import claims_table
from lethe.claims.verdicts import judge
from lethe.config.claims import ClaimPart
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.longtables.tables import METRIC_COLUMNS, LongTables
from lethe.metrics.published import read_published, read_published_models
from lethe.metrics.subjects import study_subjects
from lethe.planning.records import claims_record

# Claims about many runs, with their tests.
pytestmark = pytest.mark.slow

NAMES = [
    "K1", "K1-equal", "K2", "K2-equal", "K2b", "K3", "K4", "K4-wiki", "K5", "K6",
    "K1-hub", "K2-hub", "K2b-hub", "K5-hub", "K6-hub",
]  # fmt: skip
WORLDS = (1, 2, 3, 4)
NOISE = (0.0, 0.4, -0.4, 0.2)


def tables(worlds=WORLDS) -> LongTables:
    """Final means: sequential 50, das 53, pool 60 and noise; forgetting 4 and -2.

    Plain training at the rate of DAS: 51 and 3. Rise of masked-LM loss: 1.5, 1.2, and 0.8 for DAS.
    """
    runs, losses = {}, {}
    for world, noise in zip(worlds, NOISE, strict=False):
        ease = 10 * world
        runs["sequential", "ab", world] = (30, ease + 54, ease + 50, ease + 50)
        runs["sequential-das-rate", "ab", world] = (30, ease + 54, ease + 51, ease + 51)
        runs["das", "ab", world] = (30, ease + 51 + noise, ease + 53 + noise, ease + 53)
        runs["sequential", "ba", world] = (30, 20, 20, 20)
        runs["sequential", "pool", world] = (30, 0, ease + 60 + noise, ease + 60)
        for method, rise in [("sequential", 1.5), ("sequential-das-rate", 1.2), ("das", 0.8)]:
            losses[method, "ab", world] = (3.0, 0.7, 0.7 + rise + noise / 100)
    scores = pd.concat([scores_of(runs), losses_of(losses)], ignore_index=True)
    return LongTables(scores, pd.DataFrame(columns=METRIC_COLUMNS))


def ask(metric, *methods, axis="end_task"):
    unit = "train seeds"
    return Question("K", "p", "", metric, (axis,), unit, 0.5, methods=methods)


def only(cells):
    assert len(cells) == 1
    return cells[0]


def test_a_difference_is_paired_by_seeds_on_the_order_with_most_methods():
    subjects = study_subjects(tables())
    assert main_tasks(subjects) == ("a", "b")
    found = only(method_difference(subjects, ask("f1_final", "das", "sequential")))
    assert found.about == "das - sequential" and found.over == "bases"
    assert list(found.effects.values()) == pytest.approx([3 + one / 2 for one in NOISE])
    rates = only(method_difference(subjects, ask("f1_fr_ke", "das", "sequential")))
    assert list(rates.effects.values()) == pytest.approx([-6] * 4)


def test_a_value_is_of_the_method_named():
    subjects = study_subjects(tables())
    assert list(only(method_value(subjects, ask("f1_fr_ke", "das"))).effects.values()) == (
        pytest.approx([-2] * 4)
    )


def test_the_pool_is_one_stage_with_all_domains_of_the_main_order():
    found = only(method_less_pool(study_subjects(tables()), ask("f1_final", "das")))
    assert list(found.effects.values()) == pytest.approx([-7] * 4)
    scores = tables().scores
    without = LongTables(scores[scores["order"] != "pool"], tables().metrics)
    missing = only(method_less_pool(study_subjects(without), ask("f1_final", "das"))).missing
    assert missing == "the study has no `sequential` on an order with all domains in one stage"


def test_the_rise_of_masked_loss_is_compared_in_nats():
    subjects = study_subjects(tables())
    asked = ask("mlm_loss_delta", "das", "sequential-das-rate", axis="domain")
    found = only(method_difference(subjects, asked))
    assert list(found.effects.values()) == pytest.approx([-0.4] * 4) and not found.bound


def bounded(das: tuple, plain: tuple, pool: float) -> list:
    """Subjects of four worlds, without noise."""
    runs = {}
    for world in WORLDS:
        runs |= {("das", "ab", world): das, ("sequential", "ab", world): plain}
        runs["sequential", "pool", world] = (30, 0, pool, pool)
    return study_subjects(LongTables(scores_of(runs), pd.DataFrame(columns=METRIC_COLUMNS)))


def test_a_method_that_learned_nothing_gets_no_verdict():
    """Own scores are 39 where the untrained base has 30; forgetting is 2 against 40."""
    subjects = bounded((30, 39, 37, 39), (30, 90, 50, 90), 90)
    asked = ask("f1_fr_ke", "das", "sequential")
    found = only(method_difference(subjects, asked))
    assert list(found.effects.values()) == pytest.approx([-38] * 4)
    assert found.bound == "das did not learn: F1 39.0 right after its domains, 30.0 before any"
    (judged,) = judge([(asked, found)])
    assert judged.verdict == "not testable here" and judged.effect == pytest.approx(-38)
    assert np.isnan(judged.p_holm)
    learned = bounded((30, 41, 37, 39), (30, 90, 50, 90), 90)
    assert not only(method_difference(learned, asked)).bound
    assert only(method_difference(learned, replace(asked, gain=12))).bound
    assert only(method_difference(learned, replace(asked, methods=("sequential", "das")))).effects
    assert not only(method_difference(subjects, replace(asked, gain=9))).bound


def test_nothing_can_be_shown_to_lie_above_a_score_at_the_ceiling():
    asked = ask("f1_final", "das")
    at_ceiling = only(method_less_pool(bounded((30, 80, 70, 80), (30, 90, 50, 90), 95), asked))
    assert at_ceiling.bound == "pool is at the ceiling: 95.0"
    below = only(method_less_pool(bounded((30, 80, 70, 80), (30, 90, 50, 90), 94.9), asked))
    assert not below.bound
    both = only(method_less_pool(bounded((30, 98, 97, 98), (30, 90, 50, 90), 99), asked))
    assert both.bound == "pool is at the ceiling: 99.0"


def test_what_is_claimed_to_be_higher_may_be_at_the_ceiling():
    subjects = bounded((30, 98, 97, 98), (30, 90, 50, 90), 90)
    assert not only(method_difference(subjects, ask("f1_final", "das", "sequential"))).bound
    lower = replace(ask("f1_own", "das", "sequential"), direction="below")
    assert only(method_difference(subjects, lower)).bound == "das is at the ceiling: 98.0"


def test_the_pool_can_be_trained_by_another_method():
    runs = {}
    for world in WORLDS:
        runs["das", "ab", world] = (30, 80, 70, 80)
        runs["sequential", "pool", world] = (30, 0, 60, 60)
        runs["sequential-das-rate", "pool", world] = (30, 0, 90, 90)
    subjects = study_subjects(LongTables(scores_of(runs), pd.DataFrame(columns=METRIC_COLUMNS)))
    assert set(only(method_less_pool(subjects, ask("f1_final", "das"))).effects.values()) == {15}
    other = only(method_less_pool(subjects, ask("f1_final", "das", "sequential-das-rate")))
    assert set(other.effects.values()) == {-15}


def of_cloze(das: tuple, plain: tuple) -> list:
    """Subjects of four worlds with cloze in points: base, own and final of a; chance is a third."""
    runs = {}
    for world in WORLDS:
        runs |= {("das", "ab", world): das, ("sequential", "ab", world): plain}
    losses = losses_of({key: tuple(one / 100 for one in cells) for key, cells in runs.items()})
    cloze = losses.assign(
        metric="cloze",
        kind="probe",
        chance=1 / 3,
        stderr=0.0,
        probe=losses["probe"].str.replace("loss_", "cloze_"),
    )
    return study_subjects(LongTables(cloze, pd.DataFrame(columns=METRIC_COLUMNS)))


def test_cloze_is_compared_in_points_though_every_base_is_at_chance():
    subjects = of_cloze((33, 95, 80), (33, 95, 60))
    found = only(
        method_difference(subjects, ask("cloze_fr_ke", "das", "sequential", axis="domain"))
    )
    assert list(found.effects.values()) == pytest.approx([-20] * 4) and not found.bound
    # The second domain's own score is its final one.
    final = only(
        method_difference(subjects, ask("cloze_final", "das", "sequential", axis="domain"))
    )
    assert list(final.effects.values()) == pytest.approx([10] * 4) and not final.bound


@pytest.mark.parametrize(
    ("das", "plain", "why"),
    [
        ((33, 42, 40), (33, 95, 60), "das did not learn: cloze 42.0"),
        ((26, 38, 38), (33, 95, 60), "das is at chance: cloze 38.0, chance 33.3"),
        ((33, 95, 80), (33, 95, 38), "sequential is at chance: cloze 38.0, chance 33.3"),
    ],
)
def test_cloze_at_chance_gets_no_verdict(das, plain, why):
    asked = ask("cloze_fr_ke", "das", "sequential", axis="domain")
    found = only(method_difference(of_cloze(das, plain), asked))
    assert why in found.bound
    assert judge([(asked, found)])[0].verdict == "not testable here"


def test_a_loss_that_did_not_fall_by_the_declared_gain_gets_no_verdict():
    asked = ask("mlm_loss_delta", "das", "sequential", axis="domain")
    subjects = study_subjects(tables())
    assert not only(method_difference(subjects, replace(asked, gain=2.0))).bound
    found = only(method_difference(subjects, replace(asked, gain=2.4))).bound
    assert found.startswith("das did not learn: loss 0.70 right after its domains, 3.00 before")


def test_what_is_not_there_is_named():
    subjects = study_subjects(tables())
    cell = only(method_difference(subjects, ask("f1_final", "das", "das-general")))
    assert cell.missing == "the study has no das-general" and not cell.effects
    gone = only(method_difference(subjects, ask("f1_final", "ewc", "demix")))
    assert gone.missing == "the study has no ewc and no demix on an order of several stages"
    assert only(method_value([], ask("f1_final", "das"))).missing


@pytest.fixture(scope="module")
def record():
    study = parse_study({**read_yaml(DEFAULT), "claims": NAMES})
    return claims_record(study, read_catalogue(study))


def verdicts(record, *, worlds=WORLDS) -> dict[str, str]:
    known = read_published(), read_published_models()
    frame = claims_table(tables(worlds), record["claims"], *known).frame
    heads = frame[frame["part"] == ""]
    return dict(heads[["claim", "verdict"]].itertuples(index=False, name=None))


def test_the_claims_of_ke_have_verdicts(record):
    """DAS is 3 above and 6 below; its rate is -2; it is 7 below the pool."""
    assert verdicts(record) == {
        "K1": "supported",
        "K1-equal": "supported",
        "K2": "supported",
        "K2-equal": "supported",
        "K2b": "supported",
        "K3": "not measured",
        "K4": "not measured",
        "K4-wiki": "not measured",
        "K5": "contradicted",
        "K6": "not measured",
    }


def test_one_world_is_at_most_consistent(record):
    found = verdicts(record, worlds=(1,))
    assert found["K1"] == "consistent, one seed" and found["K5"] == "inconsistent, one seed"


def test_every_part_says_why_and_what_of_it_is_unverified(record):
    for claim in record["claims"]:
        assert claim["where"] and claim["miniature"]
        assert "unverified" in claim["where"] or "not readable" in claim["where"]
        for part in claim["parts"].values():
            assert part["why"] and part["smallest_effect"] > 0
            axis = "domain" if part["metric"] == "mlm_loss_delta" else "end_task"
            assert part["axes"] == [axis]


def test_a_method_that_does_not_exist_is_one_sentence():
    words = {"metric": "f1_final", "axes": ["end_task"], "unit": "bases", "smallest_effect": 1}
    part = {"contrast": "method_value", "methods": ["dass"], **words}
    claim = {"statement": "It works.", "family": "mine", "parts": {"one": part}}
    study = parse_study({**read_yaml(DEFAULT), "define": {"claims": {"mine": claim}}})
    with pytest.raises(UserError, match="claims.mine.parts.one.methods: 'dass' is not known"):
        read_catalogue(study)


@pytest.mark.parametrize(
    ("contrast", "methods", "found"),
    [("method_difference", ["das"], 1), ("method_value", [], 0), ("above_zero", ["das"], 1)],
)
def test_a_wrong_number_of_methods_is_refused(contrast, methods, found):
    words = {"metric": "f1_final", "axes": ["end_task"], "unit": "bases", "smallest_effect": 1}
    with pytest.raises(ValueError, match=f"`{contrast}` needs .*, found {found}"):
        ClaimPart(contrast=contrast, methods=methods, **words)
