"""Bounds of the generators' parameters are what their words allow, counted here one by one."""

import re
from itertools import permutations

import pytest
from generator_specs import generator_spec

from lethe.errors import UserError
from lethe.sources.domains.lexicon import EVIDENCE, GENERAL_TOPICS, GROUPS, TEMPLATES, TOPICS
from lethe.sources.domains.parameters import CLASSES, SENTENCES, DomainsParameters
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
    names = len({stem + tail for stem in stems for tail in tails})
    most = DomainsParameters.model_fields["words"].metadata
    (words,) = [bound.le for bound in most if hasattr(bound, "le")]
    assert len(GROUPS) * (words + 3 * words) < names
    assert world.MOST_NAMES < names


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


def test_a_word_of_the_domains_gives_as_many_sentences_as_are_counted():
    for group, domains in GROUPS.items():
        assert len(EVIDENCE[group]) == CLASSES
        for topics in [GENERAL_TOPICS[group], *(TOPICS[domain] for domain in domains)]:
            for words in EVIDENCE[group].values():
                evidence = len(list(permutations(words, 2)))
                assert len(TEMPLATES[group]) * len(topics) * evidence == SENTENCES


def test_creatures_that_leave_one_answer_only_are_refused_and_not_waited_for():
    spec = generator_spec(0, property={"creatures": 9, "held_out_share": 0.1})
    # As good as all creatures are too weak, which the bounds of the parameters do not allow.
    spec["property"]["creatures"] = 1
    spec["property"]["held_out_share"] = 0.5
    maker = lexicon.NameMaker(stream(0, "names"), set())
    with pytest.raises(UserError, match="found one answer for all.*more `creatures`"):
        property.generate(spec, stream(0, "property"), maker)
