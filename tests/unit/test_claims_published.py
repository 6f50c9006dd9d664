"""What the published numbers themselves say of each claim, against what is known of them."""

import pytest

from lethe.artefacts.paths import LUO2023, LUO2023_MODELS
from lethe.claims.contrasts import CONTRASTS
from lethe.claims.report import agreement, questions
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.metrics.published import means, read_published, read_published_models
from lethe.metrics.published_subjects import published_subjects, sources
from lethe.planning.records import claims_record

NAMES = [f"C{number}" for number in range(1, 11)]


@pytest.fixture(scope="module")
def record():
    study = parse_study({**read_yaml(DEFAULT), "claims": NAMES})
    return claims_record(study, read_catalogue(study))


@pytest.fixture(scope="module")
def said(record):
    """(question, published cells) by (claim, part)."""
    subjects = published_subjects(read_published(), read_published_models())
    return {
        (asked.claim, asked.part): (asked, CONTRASTS[asked.contrast](subjects, asked))
        for claim in record["claims"]
        for asked in questions(claim)
    }


def effects(said, claim, part):
    _, cells = said[claim, part]
    return {
        f"{one.about} {one.axis}": round(next(iter(one.effects.values())), 2)
        for one in cells
        if one.effects
    }


def against(said, claim, part):
    asked, _ = said[claim, part]
    return {name for name, value in effects(said, claim, part).items() if asked.sign * value <= 0}


def test_every_number_of_the_file_has_a_source_and_every_model_a_part():
    numbers, models = read_published(), read_published_models()
    assert len(numbers) == 121 and (numbers["source"] != "").all()
    assert set(numbers["model"]) == set(models["model"])
    assert set(models["untuned"]) - {""} <= set(models["model"])
    assert len(means(numbers)) == 6 * 9 + 6 * 3 + 3 * 9


@pytest.mark.parametrize("part", ["knowledge", "reasoning", "reading"])
def test_c1_every_model_forgets(said, part):
    assert len(effects(said, "C1", part)) == 9 and not against(said, "C1", part)


def test_c2_fails_for_llama_alpaca_and_bloom(said):
    names = {"LLAMA-7b", "ALPACA-7b", "BLOOM-7.1b"}
    assert against(said, "C2", "order") == {f"{name} reading - knowledge" for name in names}
    assert len(effects(said, "C2", "order")) == 18
    assert effects(said, "C2", "order")["LLAMA-7b reading - knowledge"] == -2.85


def test_c3_is_monotone_for_knowledge_alone(said):
    assert not against(said, "C3", "knowledge")
    assert against(said, "C3", "reasoning") == {"BLOOMZ-1.7b - BLOOMZ-1.1b reasoning"}
    assert against(said, "C3", "reading") == {"BLOOMZ-7.1b - BLOOMZ-3b reading"}
    assert effects(said, "C3", "knowledge")["BLOOMZ-1.7b - BLOOMZ-1.1b knowledge"] == 1.18


def test_c4_the_range_of_final_scores_is_narrower(said):
    found = effects(said, "C4", "knowledge")
    sizes = "BLOOMZ-1.1b, BLOOMZ-1.7b, BLOOMZ-3b, BLOOMZ-7.1b knowledge"
    assert found[sizes] == pytest.approx((33.08 - 27.19) - (25.61 - 23.84))


def test_c5_holds_at_3_b_and_is_reversed_in_two_at_1_b(said):
    wrong = set().union(
        *(against(said, "C5", axis) for axis in ("knowledge", "reasoning", "reading"))
    )
    assert wrong == {"BLOOMZ-1.1b - mT0-1.2b knowledge", "BLOOMZ-1.1b - mT0-1.2b reading"}
    assert effects(said, "C5", "reasoning")["BLOOMZ-3b - mT0-3.7b reasoning"] == -5.64


@pytest.mark.parametrize("part", ["knowledge", "reasoning", "reading"])
def test_c6_fails_for_bloomz_against_bloom(said, part):
    assert against(said, "C6", part) == {f"BLOOMZ-7.1b - BLOOM-7.1b {part}"}
    assert agreement(*said["C6", part]).startswith("partly contradict (1 of 2: BLOOMZ-7.1b")


def test_c7_mixing_raises_the_final_score(said):
    assert effects(said, "C7", "knowledge") == {"LLAMA-7b + general knowledge": 3.2}


def test_c8_bias_drops_in_six_models_and_does_not_follow_size(said):
    assert len(effects(said, "C8", "drop")) == 6 and not against(said, "C8", "drop")
    found = effects(said, "C8", "size")
    assert list(found.values()) == [pytest.approx(65.18 - 63.90)]


def test_c9_has_one_published_cell_and_c10_none(said):
    assert effects(said, "C9", "own") == {"BLOOMZ-7.1b Exp own": 17.24}
    assert not effects(said, "C10", "orders") and not effects(said, "C10", "seeds")


def test_sources_name_the_table_and_every_note():
    numbers = read_published()
    assert sources(numbers, "fg_luo", ["bias"], "") == "Table 5 (note-A)"
    text = sources(numbers, "final_score", ["knowledge"], "MMLU-Human")
    assert text.startswith("Section 5.4 text / Figure 6 (note-C, note-E")


def test_the_record_says_everything_and_families_are_named(record):
    assert [claim["name"] for claim in record["claims"]] == NAMES
    for claim in record["claims"]:
        assert claim["statement"] and claim["where"] and claim["family"]
        tested = [part for part in claim["parts"].values() if part["verdict"]]
        assert all(part["why"] and part["smallest_effect"] > 0 for part in tested)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("26.82", "many", "row 1, column 'value': expected a number, found 'many'"),
        ("domain_knowledge", "lore", "expected one of domain_knowledge"),
        ("eval_set", "set", "the column 'eval_set' is missing"),
    ],
)
def test_a_broken_file_of_numbers_is_one_sentence(tmp_path, old, new, sentence):
    path = tmp_path / "numbers.csv"
    path.write_text(LUO2023.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        read_published(path)


def test_the_parts_of_the_models_lie_beside_the_numbers(tmp_path):
    with pytest.raises(UserError, match="numbers-models.csv: cannot be read"):
        read_published_models(tmp_path / "numbers.csv")
    assert LUO2023_MODELS.name == f"{LUO2023.stem}-models.csv"
