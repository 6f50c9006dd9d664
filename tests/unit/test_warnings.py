"""What would mislead a reader is said: below tables and in `lethe status`."""

import pandas as pd
import pytest
from end_task_scores import scores_of

from lethe.metrics.warnings import notes_for, sentence, study_warnings
from lethe.tables.latex import latex
from lethe.tables.writing import Table, markdown


def score(stage, probe, value, **changes) -> dict:
    """A row of the scores of one run, which trains on simp in stage 1 and on hgen in stage 2."""
    row = {
        "model": "m", "params": 10, "family": "causal", "series": "", "untuned": "",
        "world_seed": 1, "base_seed": 0, "method": "sequential", "method_params": "{}",
        "parametrisation": "full",
        "recipe": "r", "order": "ab", "train_seed": 0, "stage_index": stage,
        "stage_task": ["", "simp", "hgen&general:8"][stage], "kind": "probe", "axis": "knowledge",
        "probe": probe, "subset": "", "split": "test", "metric": "acc", "value": value,
        "stderr": 0.01, "n": 100, "chance": 0.25, "headline": True, "end_task_seed": None,
        "higher_is_better": True,
    }  # fmt: skip
    return row | changes


def own(stage, probe, value, **changes) -> dict:
    return score(stage, probe, value, axis="own", kind="own_task", chance=None, **changes)


def kinds(rows: list[dict]) -> dict[str, str]:
    found = study_warnings(pd.DataFrame(rows)).to_dict("records")
    apart = ("few runs", "not measured")
    return {row["kind"]: row["what"] for row in found if row["kind"] not in apart}


# Of each task a set, on dev: no other warning reads them.
TESTED = [score(2, f"own_{task}", 0.5, split="dev") for task in ("simp", "hgen")]
GOOD = [score(stage, "facts", value) for stage, value in enumerate((0.7, 0.6, 0.5))]


def test_a_study_in_which_all_is_well_has_no_warning():
    assert kinds(GOOD) == {}


def untested(rows: list[dict]) -> list[str]:
    found = study_warnings(pd.DataFrame(rows)).to_dict("records")
    return [row["what"] for row in found if row["kind"] == "not measured"]


@pytest.mark.parametrize(
    ("sets", "missing"),
    [
        ((), "simp, hgen"),
        (("own_simp",), "hgen"),
        (("hgen", "cloze_simp"), None),
        # Mixed in by number is not what a stage is there for, nor are sets whose names end alike.
        (("own_simp", "own_general"), "hgen"),
        (("reason_simp", "simpler", "own_hard_hgen"), "simp, hgen"),
    ],
)
@pytest.mark.parametrize("ends", [False, True], ids=["every stage", "the ends alone"])
def test_tasks_that_no_set_tests_are_named(sets, missing, ends):
    rows = [score(stage, name, 0.5, split="dev") for stage in range(3) for name in sets]
    rows = [row for row in GOOD + rows if not ends or row["stage_index"] != 1]
    if ends:
        rows = [
            row | {"stage_task": "simp → hgen&general:8"} if row["stage_index"] == 2 else row
            for row in rows
        ]
    words = "no evaluation set tests {}, so whether what is taught there is learned, and then "
    words += "forgotten, is not known"
    assert untested(rows) == ([words.format(missing)] if missing else [])


def test_a_control_teaches_no_task_and_texts_and_end_tasks_test_theirs():
    control = [row | {"order": "control:general"} for row in GOOD]
    assert untested(control) == []
    ends = [
        score(2, "mine", 0.5, kind="end_task", axis="end_task", subset=domain, metric="macro_f1")
        for domain in ("simp", "hgen")
    ]
    assert untested(GOOD + ends) == []
    texts = [score(2, f"text_{task}", 0.5, kind="lm", axis="prose") for task in ("simp", "hgen")]
    assert untested(GOOD + texts) == []


def test_what_is_not_measured_is_told_once_an_order_so_that_other_warnings_keep_their_place():
    rows = [row | {"method": f"m{number}"} for number in range(14) for row in GOOD]
    (found,) = [
        row
        for row in study_warnings(pd.DataFrame(rows)).to_dict("records")
        if row["kind"] == "not measured"
    ]
    assert sentence(found).startswith("not measured (m, ab): no evaluation set tests simp, hgen, ")


def test_every_task_that_is_taught_without_a_number_is_asked_for():
    pool = [row | {"stage_task": "simp&hgen"} for row in GOOD if row["stage_index"] < 2]
    assert "tests hgen, so" in untested([*pool, score(1, "own_simp", 0.5)])[0]


@pytest.mark.parametrize(("after", "warned"), [(0.11, True), (0.12, True), (0.14, False)])
def test_a_task_that_was_not_learned_is_named(after, warned):
    """Two errors of 0.01 make one of 0.014 for the difference; twice that is 0.028."""
    rows = [own(0, "own_hgen", 0.1), own(1, "own_hgen", 0.9), own(2, "own_hgen", after)]
    found = kinds(GOOD + rows)
    assert ("not learned" in found) == warned
    if warned:
        assert found["not learned"] == (
            "own_hgen is not above the base right after its stage, so it cannot be forgotten; "
            f"{after:.2f} against 0.10"
        )


def test_collapsed_answers_are_told_but_not_of_own_tasks_before_they_are_taught():
    shares = {"metric": "modal_share", "headline": False}
    rows = [score(stage, "facts", value, **shares) for stage, value in enumerate((0.3, 0.2, 0.97))]
    early = [own(0, "own_simp", 1.0, **shares), own(1, "own_simp", 0.2, **shares)]
    assert kinds(GOOD + rows + early) == {
        "collapsed answers": "facts gets one answer for nearly all items, so its score speaks of "
        "that answer; 97% after stage 2"
    }
    empty = [own(0, "own_simp", 0.1, **shares), own(1, "own_simp", 1.0, **shares)]
    assert "own_simp" in kinds(GOOD + empty)["collapsed answers"]


@pytest.mark.parametrize(
    ("base", "error", "kind"),
    [(0.26, 0.01, "at floor"), (0.99, 0.01, "at ceiling"), (0.28, 0.01, ""), (0.8, 0.2, "")],
)
def test_floor_and_ceiling_are_of_the_base(base, error, kind):
    rows = [score(0, "facts", base, stderr=error), score(1, "facts", 0.5), score(2, "facts", 0.4)]
    assert list(kinds(rows)) == [kind] * bool(kind)


def test_a_metric_that_falls_as_a_model_gets_better_is_named():
    ppl = {"metric": "word_perplexity", "higher_is_better": False, "chance": None}
    rows = [score(stage, "texts", value, **ppl) for stage, value in enumerate((20, 25, 30))]
    assert kinds(GOOD + rows) == {
        "lower is better": "word_perplexity of texts is better if it is lower, so its set and axis "
        "have no drop; name another `metric` in the probe, or give the set an axis of its own"
    }
    assert kinds([row | {"axis": "bias"} for row in rows]) == {}
    taught = [own(0, "own_simp", 9, higher_is_better=False)]
    taught.append(own(1, "own_simp", 2, higher_is_better=False))
    assert "not learned" not in kinds(GOOD + taught)


def test_a_stage_that_changes_no_score_has_no_effect():
    rows = [score(stage, "facts", value) for stage, value in enumerate((0.7, 0.6, 0.6))]
    assert kinds(rows) == {"no effect": "stage 2 changed no score"}


def test_stages_between_two_scores_that_are_equal_had_no_effect():
    ends = [score(0, "facts", 0.7), score(2, "facts", 0.7)]
    assert kinds(ends)["no effect"] == "stages 1 to 2 changed no score"
    assert "no effect" not in kinds([score(0, "facts", 0.7), score(2, "facts", 0.6)])


def test_a_set_that_is_scored_at_the_base_or_the_ends_alone_hides_no_stage_without_effect():
    rows = [score(stage, "facts", value) for stage, value in enumerate((0.7, 0.7, 0.6))]
    assert kinds([*rows, score(0, "words", 0.5)])["no effect"] == "stage 1 changed no score"
    rows = [score(stage, "facts", value) for stage, value in enumerate((0.7, 0.6, 0.6))]
    at_ends = [score(0, "words", 0.5), score(2, "words", 0.5)]
    assert kinds([*rows, *at_ends])["no effect"] == "stage 2 changed no score"
    at_ends = [score(0, "words", 0.5), score(2, "words", 0.4)]
    assert "no effect" not in kinds([*rows, *at_ends])


def test_a_method_whose_domains_teach_nothing_is_named():
    scores = scores_of({("adapter", "ab", 1): (30, 33, 31, 32), ("das", "ab", 1): (30, 80, 50, 80)})
    found = study_warnings(scores).to_dict("records")
    assert [(row["kind"], row["method"]) for row in found] == [
        ("not learned", "adapter"),
        ("few runs", ""),
    ]
    assert found[0]["what"] == (
        "its domains teach end tasks nothing; own 32.5, 30.0 before any domain"
    )


def test_seeds_are_told_together_and_three_runs_are_enough():
    rows = [
        row | {"world_seed": world}
        for world in (1, 2, 3)
        for row in [
            *[*GOOD, *TESTED],
            *[own(0, "own_simp", 0.1), own(1, "own_simp", 0.1 if world < 3 else 0.9)],
        ]
    ]
    (found,) = study_warnings(pd.DataFrame(rows)).to_dict("records")
    assert sentence(found) == (
        "not learned (m, sequential, ab, 2 of 3): own_simp is not above the base right after its "
        "stage, so it cannot be forgotten; 0.10 against 0.10"
    )
    two = [row | {"world_seed": world} for world in (1, 2) for row in [*GOOD, *TESTED]]
    (few,) = study_warnings(pd.DataFrame(two)).to_dict("records")
    assert few["kind"] == "few runs" and few["what"].startswith(
        "1 of 1 chains (a model, method and order) have fewer than 3"
    )


def test_a_table_ends_with_the_warnings_on_what_it_shows():
    others = [score(0, "facts", 0.25, model="other")]
    warnings = study_warnings(pd.DataFrame(GOOD + others))
    frame = pd.DataFrame({"model": ["other"], "x": [1.0]})
    notes = notes_for(frame, warnings)
    assert notes[0].startswith("at floor (other): facts is not known")
    text = markdown(Table(frame, "Numbers.", notes=notes))
    assert "\n\nWarnings:\n\n- at floor (other): facts" in text
    assert "% at floor (other)" in latex(Table(frame, "Numbers.", notes=notes))
    assert not any("at floor" in note for note in notes_for(frame.assign(model="m"), warnings))
    assert notes_for(frame[["x"]], warnings) == ()


def test_recipes_of_one_chain_are_told_apart_and_a_row_of_several_orders_has_the_notes_of_each():
    rows = [
        row | {"recipe": recipe, "order": order}
        for recipe in ("slow", "fast")
        for order in ("ab", "ba")
        for row in [*GOOD, own(0, "own_simp", 0.1), own(1, "own_simp", 0.1)]
        if (recipe, order) != ("fast", "ba")
    ]
    warnings = study_warnings(pd.DataFrame(rows))
    told = [sentence(row) for row in warnings.to_dict("records") if row["kind"] == "not learned"]
    assert [text.partition(":")[0] for text in told] == [
        "not learned (m, sequential (slow), ab)",
        "not learned (m, sequential, ba)",
        "not learned (m, sequential (fast), ab)",
    ]
    frame = pd.DataFrame({"model": ["m"], "order": ["ab, ba"]})
    assert set(told) <= set(notes_for(frame, warnings))
