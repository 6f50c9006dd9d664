"""Bounds of the generators' parameters are what their words allow, counted here one by one."""

import re
from itertools import permutations

import pytest
from generator_specs import generator_spec

from lethe.errors import UserError
from lethe.sources.domains import parameters as domains
from lethe.sources.domains.lexicon import (
    EVIDENCE,
    GROUPS,
    HEADS,
    SUFFIXES,
    TOPICS,
    fixed_words,
    topics_of,
)
from lethe.sources.domains.sentences import Heads
from lethe.sources.domains.words import make_groups
from lethe.sources.world import arithmetic, lexicon, pronoun, property, reading, replying
from lethe.sources.world import parameters as world
from lethe.sources.world.build import generate_parts
from lethe.sources.world.general import generate_general
from lethe.sources.world.instruction import generate_tasks
from lethe.sources.world.parts import stream


def test_bounds_of_the_world_are_what_its_words_allow():
    pairs = pronoun.all_pairs()
    people = list(permutations(pronoun.NAMES, 2))
    assert (len(pairs), len(people)) == (world.PRONOUN_PAIRS, world.PRONOUN_PEOPLE)
    bells = len(arithmetic.HOURS) * len(arithmetic.NUMBERS)
    told = bells * len(lexicon.PEOPLE) * len(arithmetic.DOINGS)
    assert told == world.ARITHMETIC_ITEMS
    passages = len(reading.BEGINNINGS[reading.HIGH]) * len(list(permutations(reading.GOODS, 4)))
    assert passages * len(reading.KEYS[reading.HIGH]) == world.READING_ITEMS
    events = len(replying.OPENERS) * len(replying.BAD)
    texts = events * len(replying.BELONGINGS) * len(replying.RELATIVES)
    assert texts == world.TASK_ROWS and len(replying.BAD) == len(replying.GOOD)
    inquiries = len(replying.OBJECTS) * len(replying.DONE) * len(replying.ASIDES)
    inquiries *= sum(map(len, replying.ADJUNCTS.values()))
    deeds = len(replying.ACTORS) * len(replying.DEEDS) * len(replying.CIRCUMSTANCES)
    explanations = deeds * (1 + len(replying.EXCLUDED) + len(replying.GUESSED))
    assert world.TASK_ROWS <= min(inquiries, explanations)


def test_there_are_names_for_as_many_things_as_may_be_asked_for():
    stems = {o + v + c for o in lexicon.ONSETS for v in lexicon.VOWELS for c in lexicon.CODAS}
    for endings in lexicon.ENDINGS.values():
        assert 2 * world.MOST_NAMES < len({stem + end for stem in stems for end in endings})
    tails = {v + end for v in lexicon.VOWELS[:5] for end in ["", "l", "n", "r", "s"]}
    assert world.MOST_NAMES < len({stem + tail for stem in stems for tail in tails})


def test_there_are_stems_for_the_largest_domains():
    many = {"stems": domains.MOST_STEMS, "general_stems": domains.MOST_STEMS, "agreed": 0}
    for seed in range(3):
        groups = make_groups(generator_spec(seed, part="domains", contradicted=0, **many))
        stems = [stem for group in groups.values() for stem in [*group.general, *group.attributes]]
        assert len(stems) == len(set(stems)) == 2 * (3 + 1) * domains.MOST_STEMS
        assert not fixed_words() & set(stems)
    assert len(set(SUFFIXES)) == domains.SUFFIXES


def test_no_word_of_the_instructions_can_be_invented_as_a_name():
    stems = {o + v + c for o in lexicon.ONSETS for v in lexicon.VOWELS for c in lexicon.CODAS}
    tails = {v + end for v in lexicon.VOWELS[:5] for end in ["", "l", "n", "r", "s"]}
    tails.update(*lexicon.ENDINGS.values())
    spec = generator_spec(seed=1)
    spec["items"] |= {
        "tasks": {"train": world.TASK_ROWS - 2, "dev": 1, "test": 1},
        "general": {"train": 5000, "dev": 1, "test": 1},
    }
    instructions = [generate_tasks(spec, set()), generate_general(spec, set())]
    words = set(re.findall("[a-z]+", str(instructions).lower()))
    assert words & {stem + tail for stem in stems for tail in tails} <= lexicon.IN_TASKS
    parts = generate_parts(generator_spec(seed=204, bias={"rivalries": 1000}))
    assert lexicon.IN_TASKS.isdisjoint(set().union(*(part.names for part in parts.values())))


def test_a_word_of_the_domains_has_as_many_heads_as_are_counted():
    for group, of_group in GROUPS.items():
        assert len(EVIDENCE[group]) == domains.CLASSES
        assert len(HEADS[group]) * len(topics_of(group)) == domains.GENERAL_HEADS
        for domain in of_group:
            assert len(HEADS[group]) * len(TOPICS[domain]) == domains.HEADS
    group = make_groups(generator_spec(1, part="domains"))["papers"]
    rng = stream(1, "heads")
    for topics, held in [
        (TOPICS["ai"], domains.HELD_HEADS),
        (topics_of("papers"), domains.GENERAL_HELD_HEADS),
    ]:
        heads = Heads.drawn(rng, group, list(group.general), topics)
        assert {len(of_word) for of_word in heads.held.values()} == {held}


def test_bounds_of_the_domains_are_reached_and_no_more_is_possible():
    group = make_groups(generator_spec(1, part="domains"))["papers"]
    heads = Heads.drawn(stream(1, "heads"), group, list(group.meaning["ai"]), TOPICS["ai"])
    half = list(group.meaning["ai"])[:6]
    for split, stems, most in [("dev", (), 576), ("test", half, 288), ("train", half, 1152)]:
        drawn = heads.different(stream(2, "drawn"), most, split, stems)
        assert len(set(drawn)) == most
        with pytest.raises(IndexError):
            heads.different(stream(2, "drawn"), most + 1, split, stems)
        key = {"dev": "held_out", "test": "tested", "train": "labelled"}[split]
        generator_spec(1, part="domains", **{key: most})
        with pytest.raises(UserError, match=f"`{key}` of at most {most}.*found {most + 1}"):
            generator_spec(1, part="domains", **{key: most + 1})


def test_creatures_that_leave_one_answer_only_are_refused_and_not_waited_for():
    spec = generator_spec(0, property={"creatures": 9, "held_out_share": 0.1})
    # As good as all creatures are too weak, which the bounds of the parameters do not allow.
    spec["property"]["creatures"] = 1
    spec["property"]["held_out_share"] = 0.5
    maker = lexicon.NameMaker(stream(0, "names"), set())
    with pytest.raises(UserError, match="found one answer for all.*more `creatures`"):
        property.generate(spec, stream(0, "property"), maker)
