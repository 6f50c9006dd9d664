"""No set that is not memory is solved by a choice prior, a bag of words or an n-gram model."""

import pytest
from generator_specs import generator_spec

from lethe.sources.world import shortcuts
from lethe.sources.world.build import generate_parts

# Shortcuts are searched in every evaluation set of whole worlds.
pytestmark = pytest.mark.slow

ALLOWED = 0.05
ITEMS = 800
SEEDS = (100,)
SETS = (
    "reason_pronoun",
    "reason_arithmetic",
    "reason_dialogue",
    "read_middle",
    "read_high",
)


@pytest.fixture(scope="module", params=SEEDS)
def world(request):
    many = {"test": ITEMS, "dev": 80}
    parts = generate_parts(
        generator_spec(request.param, items={"reasoning": many, "reading": many})
    )
    texts = [t for part in parts.values() for many in part.documents.values() for t in many]
    sets = {name: splits for part in parts.values() for name, splits in part.sets.items()}
    return texts, sets


@pytest.fixture(scope="module")
def scorers(world):
    texts, _ = world
    questions = [tuple(text.split(" => ")) for text in texts if " => " in text]
    return {
        "bag of words of the corpus": shortcuts.bag_of_words(questions),
        "bigrams": shortcuts.ngram_model([t.replace(" =>", "") for t in texts], order=2),
        "four-grams": shortcuts.ngram_model([t.replace(" =>", "") for t in texts], order=4),
        "overlap": shortcuts.word_overlap,
        "no overlap": lambda row: [-x for x in shortcuts.word_overlap(row)],
    }


def from_dev(rows):
    """Baselines that learn from the dev split of a set."""
    answered = [(row["context"], row["choices"][row["answer"]]) for row in rows]
    return {
        "prior of a choice": shortcuts.choice_prior(rows),
        "prior of a position": shortcuts.position_prior(rows),
        "bag of words of dev": shortcuts.bag_of_words(answered),
    }


def test_every_reading_set_and_every_reasoning_set_is_memory_or_held_to_the_rule(world):
    _, sets = world
    asked = {n for n in sets if n.startswith(("reason_", "read_"))}
    assert asked - shortcuts.MEMORY == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_no_shortcut_is_five_points_above_chance(world, scorers, name):
    _, sets = world
    rows = sets[name]["test"]
    assert len(rows) == ITEMS
    for label, score in {**scorers, **from_dev(sets[name]["dev"])}.items():
        gain = shortcuts.accuracy(rows, score) - shortcuts.chance(rows)
        assert gain < ALLOWED, f"{name} is solved by {label}: {gain:.3f} above chance"


def test_a_bag_of_words_does_solve_memory_so_the_baseline_works(world, scorers):
    _, sets = world
    rows = sets["know_trade"]["test"]
    gain = shortcuts.accuracy(rows, scorers["bag of words of the corpus"])
    assert gain - shortcuts.chance(rows) > 0.2


def test_an_ngram_model_finds_the_likelier_word():
    score = shortcuts.ngram_model(["the cat sat", "the cat sat", "the dog ran"], order=2)
    cat, dog = score({"context": "the", "choices": ["cat", "dog"]})
    assert cat > dog


def test_ties_count_as_guesses():
    rows = [{"choices": ["a", "b"], "answer": 0, "context": ""}]
    assert shortcuts.accuracy(rows, lambda row: [0.0, 0.0]) == 0.5
