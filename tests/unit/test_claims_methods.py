"""Claims about methods: contrasts of end tasks on numbers set by hand, and their verdicts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from end_task_scores import losses_of, scores_of

from lethe.claims.cells import Cell, Question
from lethe.claims.layout import page
from lethe.claims.method_contrasts import (
    main_tasks,
    method_difference,
    method_less_pool,
    method_value,
)
from lethe.claims.notes import notes
from lethe.claims.report import claims_table
from lethe.claims.verdicts import judge
from lethe.config.claims import ClaimPart
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.longtables.tables import METRIC_COLUMNS, LongTables
from lethe.metrics.published import read_published, read_published_models
from lethe.metrics.subjects import study_subjects
from lethe.planning.records import claims_record
from lethe.tables.writing import Table

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

    Plain training at the rate of DAS: 51 and 3. Rise of masked-LM loss: 1.5, 1.1, and 0.8 for DAS.
    Cloze of the first domain, 95 right after its stage, ends at 60, 66 and, for DAS, 80.
    """
    runs, losses, cloze = {}, {}, {}
    for world, noise in zip(worlds, NOISE, strict=False):
        ease = 10 * world
        runs["sequential", "ab", world] = (30, ease + 54, ease + 50, ease + 50)
        runs["sequential-das-rate", "ab", world] = (30, ease + 54, ease + 51, ease + 51)
        runs["das", "ab", world] = (30, ease + 51 + noise, ease + 53 + noise, ease + 53)
        runs["sequential", "ba", world] = (30, 20, 20, 20)
        runs["sequential", "pool", world] = (30, 0, ease + 60 + noise, ease + 60)
        for method, rise in [("sequential", 1.5), ("sequential-das-rate", 1.1), ("das", 0.8)]:
            losses[method, "ab", world] = (3.0, 0.7, 0.7 + rise + noise / 100)
        for method, final in [("sequential", 60), ("sequential-das-rate", 66), ("das", 80)]:
            cloze[method, "ab", world] = (33, 95, final)
    parts = [scores_of(runs), losses_of(losses), cloze_of(cloze)]
    scores = pd.concat(parts, ignore_index=True)
    return LongTables(scores, pd.DataFrame(columns=METRIC_COLUMNS))


def cloze_of(runs: dict) -> pd.DataFrame:
    """Cloze in points on the two domains, as `losses_of`; chance is a third."""
    rows = losses_of({key: tuple(one / 100 for one in cells) for key, cells in runs.items()})
    probe = rows["probe"].str.replace("loss_", "cloze_")
    return rows.assign(metric="cloze", kind="probe", chance=1 / 3, stderr=0.0, probe=probe)


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
    assert list(found.effects.values()) == pytest.approx([-0.3] * 4) and not found.bound


def bounded(das: tuple, plain: tuple, pool: float, chance: float | None = None) -> list:
    """Subjects of four worlds, without noise."""
    runs = {}
    for world in WORLDS:
        runs |= {("das", "ab", world): das, ("sequential", "ab", world): plain}
        runs["sequential", "pool", world] = (30, 0, pool, pool)
    scores = scores_of(runs)
    scores = scores if chance is None else scores.assign(chance=chance)
    return study_subjects(LongTables(scores, pd.DataFrame(columns=METRIC_COLUMNS)))


def test_a_method_that_learned_nothing_gets_no_verdict():
    """Own scores are 39 where the untrained base has 30; forgetting is 2 against 40."""
    subjects = bounded((30, 39, 37, 39), (30, 90, 50, 90), 90, chance=0.25)
    asked = ask("f1_fr_ke", "das", "sequential")
    found = only(method_difference(subjects, asked))
    assert list(found.effects.values()) == pytest.approx([-38] * 4)
    assert found.bound == "das did not learn: F1 39.0 right after its domains, 30.0 before any"
    (judged,) = judge([(asked, found)])
    assert judged.verdict == "not testable here" and judged.effect == pytest.approx(-38)
    assert np.isnan(judged.p_holm)
    learned = bounded((30, 41, 37, 39), (30, 90, 50, 90), 90, chance=0.25)
    assert not only(method_difference(learned, asked)).bound
    assert only(method_difference(learned, replace(asked, gain=12))).bound
    # Without a chance level no floor is known; what a claim itself asks for is.
    unknown = bounded((70, 74, 72, 74), (70, 75, 60, 75), 80)
    assert not only(method_difference(unknown, asked)).bound
    assert only(method_difference(unknown, replace(asked, gain=12))).bound
    assert only(method_difference(learned, replace(asked, methods=("sequential", "das")))).effects
    assert not only(method_difference(subjects, replace(asked, gain=9))).bound


def less_pool(pool: float, das=(30, 80, 70, 80)) -> str:
    asked = replace(ask("f1_final", "das"), contrast="method_less_pool")
    return only(method_less_pool(bounded(das, (30, 90, 50, 90), pool), asked)).bound


def test_nothing_can_be_shown_to_lie_above_a_pool_at_the_ceiling():
    assert less_pool(95) == "pool is at the ceiling: 95.0"
    assert not less_pool(94.9)


def test_two_scores_at_the_ceiling_are_not_told_apart_and_one_is():
    asked = ask("f1_own", "das", "sequential")
    both = bounded((30, 98, 97, 98), (30, 96, 50, 96), 90)
    found = only(method_difference(both, asked)).bound
    assert found == "das is at the ceiling: 98.0; sequential is at the ceiling: 96.0"
    one = bounded((30, 98, 97, 98), (30, 90, 50, 90), 90)
    assert not only(method_difference(one, asked)).bound
    assert not only(method_difference(both, ask("f1_fr_ke", "das", "sequential"))).bound


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
    return study_subjects(LongTables(cloze_of(runs), pd.DataFrame(columns=METRIC_COLUMNS)))


def test_cloze_is_compared_in_points_though_every_base_is_at_chance():
    subjects = of_cloze((33, 95, 80), (33, 95, 60))
    found = only(
        method_difference(subjects, ask("cloze_forgotten", "das", "sequential", axis="domain"))
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
    asked = ask("cloze_forgotten", "das", "sequential", axis="domain")
    found = only(method_difference(of_cloze(das, plain), asked))
    assert why in found.bound
    assert judge([(asked, found)])[0].verdict == "not testable here"


def test_end_tasks_are_at_chance_where_cloze_has_its_chance_level():
    runs = {("das", "ab", 1): (20, 90, 60, 90), ("sequential", "ab", 1): (20, 90, 37, 39)}
    cloze = {(method, "ab", 1): (33, 95, 80) for method, *_ in runs}
    scores = pd.concat([scores_of(runs), cloze_of(cloze)], ignore_index=True)
    subjects = study_subjects(LongTables(scores, pd.DataFrame(columns=METRIC_COLUMNS)))
    found = only(method_difference(subjects, ask("f1_final", "das", "sequential"))).bound
    assert found == "sequential is at chance: F1 38.0, chance 33.3"


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


def frame_of(record, worlds=WORLDS) -> pd.DataFrame:
    known = read_published(), read_published_models()
    return claims_table(tables(worlds), record["claims"], *known).frame


@pytest.fixture(scope="module")
def frame(record):
    return frame_of(record)


def heads(frame) -> dict[str, str]:
    rows = frame[frame["part"] == ""]
    return dict(rows[["claim", "verdict"]].itertuples(index=False, name=None))


def parts(frame, claim) -> dict[str, str]:
    rows = frame[(frame["claim"] == claim) & (frame["part"] != "")]
    return dict(rows[["part", "verdict"]].itertuples(index=False, name=None))


def test_every_outcome_has_its_verdict_at_its_margin(frame):
    """DAS is 3 above and 6 below in F1; a cloze of two domains is 10 above, forgetting 20 below.

    Its loss ends 0.35 lower, beyond 0.16; at equal rates its end is 0.15 and its rise 0.3 lower,
    both within the margin of 0.4 there.
    """
    assert parts(frame, "K1") == {"f1": "negligible", "cloze": "supported", "loss": "supported"}
    assert parts(frame, "K2") == dict.fromkeys(("f1", "cloze", "loss"), "supported")
    assert parts(frame, "K1-equal") == {
        "f1": "negligible", "cloze": "supported", "loss": "negligible"
    }  # fmt: skip
    assert parts(frame, "K2-equal")["loss"] == "negligible"
    assert parts(frame, "K2b") == {
        "f1": "negligible", "cloze": "contradicted", "loss": "contradicted"
    }  # fmt: skip
    assert parts(frame, "K5") == {
        "f1": "contradicted", "cloze": "not measured", "loss": "not measured"
    }  # fmt: skip
    assert heads(frame)["K1"] == "negligible" and heads(frame)["K2"] == "supported"


def test_the_overview_has_the_verdict_by_outcome(frame):
    told = frame[(frame["claim"] == "K1") & (frame["part"] == "")]["by_outcome"].iloc[0]
    assert told == "F1 negligible; cloze supported; loss supported"
    text = page(Table(frame, "caption", {}))
    assert f"| {told} " in text.partition("## K1")[0]
    luo = frame[frame["claim"] == "K5-hub"]
    assert "by_outcome" not in page(Table(luo, "caption", {}))


def test_an_undecided_comparison_says_what_its_units_would_have_shown():
    """sd 10, n 3: 5 + 5.65349 * 10 / sqrt(3) = 37.6; of the same below zero it is -37.6."""
    effects = dict(zip(WORLDS, (-10.0, 0.0, 10.0), strict=False))
    above = replace(ask("f1_final", "das", "sequential"), smallest_effect=5.0)
    for asked, words in [
        (above, "3 bases would have shown +37.6 or more"),
        (replace(above, direction="below"), "3 bases would have shown -37.6 or less"),
    ]:
        (judged,) = judge([(asked, Cell("das - sequential", "end_task", effects))])
        assert judged.verdict == "undecided" and notes(judged) == words
    clear = {world: 50.0 + world for world in WORLDS}
    (judged,) = judge([(above, Cell("das - sequential", "end_task", clear))])
    assert judged.verdict == "supported" and not notes(judged)


def test_the_claims_for_models_of_the_hub_are_about_end_tasks_at_margins_of_a_point(frame):
    """DAS is 3 above and 6 below; its rate is -2; it is 7 below the pool."""
    found = {name: verdict for name, verdict in heads(frame).items() if "hub" in name}
    assert found == {
        "K1-hub": "supported",
        "K2-hub": "supported",
        "K2b-hub": "supported",
        "K5-hub": "contradicted",
        "K6-hub": "not measured",
    }
    missing = {name for name, verdict in heads(frame).items() if verdict == "not measured"}
    assert missing == {"K3", "K4", "K4-wiki", "K6", "K6-hub"}


def test_the_effect_of_every_world_stands_in_the_table(frame):
    rows = frame[(frame["claim"] == "K1") & (frame["part"] == "f1")]
    (told,) = rows["by_unit"]
    assert told.startswith("world 1, base 0: +3; world 2, base 0: +3.2; world 3, base 0: +2.8; ")
    values = [float(one.rpartition(": ")[2]) for one in told.split("; ")]
    assert np.mean(values) == pytest.approx(rows["effect"].iloc[0])


def test_one_world_is_at_most_consistent(record):
    found = heads(frame_of(record, worlds=(1,)))
    assert found["K2"] == "consistent, one seed" and found["K5"] == "inconsistent, one seed"


def test_every_part_says_why_and_what_of_it_is_unverified(record):
    for claim in record["claims"]:
        assert claim["where"] and claim["miniature"]
        assert "unverified" in claim["where"] or "not readable" in claim["where"]
        for part in claim["parts"].values():
            assert part["why"] and part["smallest_effect"] > 0 and part["gain"] is not None
            axis = "domain" if part["metric"].startswith(("cloze", "loss")) else "end_task"
            assert part["axes"] == [axis]


def contrasts_of(claim) -> dict[tuple, list]:
    """The parts of a claim on generated domains by what they compare, all outcomes of it."""
    better = {"f1": "above", "cloze": "above", "loss": "below"}
    found: dict[tuple, list] = {}
    for part in claim.parts.values():
        outcome, _, kind = part.metric.partition("_")
        kind = "forgotten" if kind == "fr_ke" else kind
        is_better = part.direction == ("below" if kind == "forgotten" else better[outcome])
        place = (part.contrast, tuple(part.methods), kind, is_better)
        found.setdefault(place, []).append((outcome, part))
    return found


def test_the_claims_on_generated_domains_are_about_three_outcomes_alike():
    """Each compares the same methods in all three, better in all or worse; n is for all or none."""
    study = parse_study({**read_yaml(DEFAULT), "claims": []})
    with_n = set()
    for name, claim in read_catalogue(study).claims.items():
        if name.startswith("C") or name.endswith(("-hub", "-wiki")):
            continue
        for compared in contrasts_of(claim).values():
            assert [outcome for outcome, _ in compared] == ["f1", "cloze", "loss"], name
            widths = [part.half_width for _, part in compared]
            if any(widths):
                with_n.add(name)
                margins = [part.smallest_effect for _, part in compared]
                assert all(width < margin for width, margin in zip(widths, margins, strict=True))
    assert with_n == {"K1-equal", "K2-equal", "update", "update-equal", "update-plain"}


def test_a_method_that_does_not_exist_is_one_sentence():
    words = {"metric": "f1_final", "axes": ["end_task"], "unit": "bases", "smallest_effect": 1}
    part = {"contrast": "method_value", "methods": ["dass"], **words}
    claim = {"statement": "It works.", "family": "mine", "parts": {"one": part}}
    study = parse_study({**read_yaml(DEFAULT), "define": {"claims": {"mine": claim}}})
    with pytest.raises(UserError, match="claims.mine.parts.one.methods: 'dass' is not known"):
        read_catalogue(study)


def test_a_gain_is_refused_where_no_methods_are_compared():
    words = {"metric": "fg_luo", "axes": ["reading"], "unit": "bases", "smallest_effect": 1}
    with pytest.raises(ValueError, match="no `gain` beside `above_zero`.*found 10"):
        ClaimPart(contrast="above_zero", gain=10, **words)


@pytest.mark.parametrize(
    ("contrast", "methods", "found"),
    [
        ("method_difference", ["das"], 1),
        ("method_value", [], 0),
        ("method_less_pool", [], 0),
        ("above_zero", ["das"], 1),
    ],
)
def test_a_wrong_number_of_methods_is_refused(contrast, methods, found):
    words = {"metric": "f1_final", "axes": ["end_task"], "unit": "bases", "smallest_effect": 1}
    with pytest.raises(ValueError, match=f"`{contrast}` needs .*, found {found}"):
        ClaimPart(contrast=contrast, methods=methods, **words)


def test_a_method_with_every_number_of_another_is_told_beside_the_verdict():
    scores = tables().scores
    plain = scores[scores["method"] == "sequential"]
    others = scores[scores["method"] != "sequential-das-rate"]
    both = pd.concat([others, plain.assign(method="sequential-das-rate")], ignore_index=True)
    subjects = study_subjects(LongTables(both, tables().metrics))
    pair = ("sequential", "sequential-das-rate")
    for twin, other in (pair, pair[::-1]):
        found = only(method_difference(subjects, ask("f1_final", "das", twin)))
        assert f"{twin} and {other} are equal in every number, so one training" in found.note
    apart = study_subjects(tables())
    assert not only(method_difference(apart, ask("f1_final", "das", "sequential"))).note
