"""Whom a claim is about, in a study of encoders and decoders, and of several recipes."""

from dataclasses import replace

import pandas as pd
import pytest
from domain_study import DOMAINS, domain_scores
from synthetic_study import synthetic_study, typed

from lethe.artefacts.paths import LUO2023
from lethe.claims.asked_of import all_subjects, asked_of, told_of
from lethe.claims.cells import Question
from lethe.claims.contrasts import CONTRASTS
from lethe.claims.report import claims_table
from lethe.longtables.tables import LongTables
from lethe.metrics.published import read_published, read_published_models
from lethe.metrics.study import study_metrics

ABILITY = Question("C1", "knowledge", "above_zero", "fg_luo", ("knowledge",), "bases", 1.0)
EVIDENCE = replace(ABILITY, axes=("evidence",))


@pytest.fixture(scope="module")
def tables():
    """Two decoders on instructions, and an encoder with more chains on domains."""
    decoders, items = synthetic_study()
    ours = pd.concat([decoders, domain_scores(rates=(1e-3, 2e-3))], ignore_index=True)
    scores, by_set = typed(ours, items)
    return LongTables(scores, study_metrics(scores, by_set, seed=1, resamples=20)).parted()


def test_an_ability_is_asked_of_the_models_that_have_a_set_of_it(tables):
    subjects = all_subjects(tables)
    decoders = {one.model for one in subjects if one.family != "masked"}
    cells = CONTRASTS["above_zero"](asked_of(subjects, ABILITY), ABILITY)
    assert {cell.about for cell in cells} == decoders and not any(cell.missing for cell in cells)
    assert told_of(subjects, [ABILITY, replace(ABILITY, axes=("reading",))]) == [
        "left out, as models of their kind have no set of knowledge, reading: enc"
    ]
    # General ability of encoders is measured on sets of their own.
    chosen = asked_of(subjects, EVIDENCE)
    assert {one.family for one in chosen} == {"masked"} and chosen[0].values("fg_luo", "evidence")
    # Where nobody has it, everybody is asked, and nothing is measured.
    nobody = replace(ABILITY, axes=("memory",))
    assert asked_of(subjects, nobody) == subjects


def test_a_model_without_the_set_beside_one_of_its_kind_with_it_stays(tables):
    subjects = all_subjects(tables)
    one = next(subject for subject in subjects if subject.family != "masked")
    bare = replace(one, numbers={}, gaps={})
    assert bare in asked_of([bare, *subjects], ABILITY)


def test_several_recipes_are_told_or_one_is_named(tables):
    subjects = all_subjects(tables)
    asked = replace(EVIDENCE, contrast="method_value", methods=("kd",))
    (told,) = [text for text in told_of(subjects, [asked]) if "recipes" in text]
    assert told.startswith("enc by kd on domains: of several recipes the first is compared")
    assert len(DOMAINS) > 1
    for recipe in ("rate-0", "rate-1"):
        chosen = asked_of(subjects, replace(asked, recipe=recipe))
        assert {one.recipe for one in chosen} == {recipe}
        assert not any(
            "recipes" in text for text in told_of(subjects, [replace(asked, recipe=recipe)])
        )


def test_a_claim_s_own_row_says_who_is_left_out(tables):
    part = {
        "contrast": "above_zero", "metric": "fg_luo", "axes": ["knowledge"], "unit": "bases",
        "smallest_effect": 1.0, "direction": "above", "verdict": True, "published_set": "",
        "methods": [], "why": "",
    }  # fmt: skip
    claim = {"name": "C1", "family": "C1", "statement": "", "where": "", "miniature": "",
             "parts": {"knowledge": part}}  # fmt: skip
    published = read_published(LUO2023), read_published_models(LUO2023)
    frame = claims_table(tables, [claim], *published).frame
    assert "left out" in frame["note"].iloc[0] and "enc" in frame["note"].iloc[0]
    assert not frame["about"].str.contains("enc").any()


def test_a_parametrisation_is_compared_where_a_claim_names_it(tables):
    scores, metrics = (
        frame.assign(parametrisation="lora") for frame in (tables.scores, tables.metrics)
    )
    # LoRA forgets five hundredths of the base more.
    metrics["value"] += 5.0 * (metrics["metric"] == "fg_luo")
    both = replace(
        tables,
        scores=pd.concat([tables.scores, scores], ignore_index=True),
        metrics=pd.concat([tables.metrics, metrics], ignore_index=True),
    )
    subjects = all_subjects(both)
    asked = replace(ABILITY, contrast="method_difference",
                    methods=("sequential+lora", "sequential"))  # fmt: skip
    cells = CONTRASTS["method_difference"](asked_of(subjects, asked), asked)
    found = [round(effect, 6) for cell in cells for effect in cell.effects.values()]
    assert found and set(found) == {5.0}
    # Other claims are about chains of which all weights are trained.
    assert {one.method for one in asked_of(subjects, ABILITY)} == {"sequential"}
