"""No end task and no cloze of the domains is solved without the stem."""

from collections import Counter

import pytest
from generator_specs import generator_spec

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.domains.build import build_domains
from lethe.sources.domains.lexicon import DOMAINS, EVIDENCE, group_of
from lethe.sources.domains.words import make_groups

SPEC = generator_spec(1, part="domains")
ALLOWED = 0.05


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    directory = tmp_path_factory.mktemp("domains")
    facts = build_domains(SPEC, directory)
    return {name: read_rows(directory / name) for name in facts["rows"]}


def suffix_of(row):
    word = next(word for word in row["text"].split() if word.startswith(row["cluster"]))
    return word.removeprefix(row["cluster"])


FEATURES = {
    "nothing": lambda row: "",
    "suffix": suffix_of,
    "all but the stem": lambda row: row["text"].replace(row["cluster"], ""),
    "length": lambda row: len(row["text"].split()),
    "letters": lambda row: len(row["text"]),
    "topic and head": lambda row: " ".join(
        word for word in row["text"].split() if not word.startswith(row["cluster"])
    ),
}


def learned(training, feature):
    """By value of a feature the label that goes with it most often; else the most frequent one."""
    by_value = {}
    for row in training:
        by_value.setdefault(feature(row), Counter())[row["label"]] += 1
    every = Counter(row["label"] for row in training)
    return lambda row: by_value.get(feature(row), every).most_common(1)[0][0]


def gain(tested, answer):
    """Above chance, which is a third."""
    return sum(answer(row) == row["label"] for row in tested) / len(tested) - 1 / 3


def pooled(rows, domain, split):
    return [row for fold in (1, 2) for row in rows[f"end_tasks/{domain}/{split}-{fold}.jsonl"]]


@pytest.mark.parametrize("name", FEATURES)
def test_no_shortcut_solves_the_end_tasks(rows, name):
    gains = []
    for domain in DOMAINS:
        for fold in (1, 2):
            answer = learned(rows[f"end_tasks/{domain}/train-{fold}.jsonl"], FEATURES[name])
            gains.append(gain(rows[f"end_tasks/{domain}/test-{fold}.jsonl"], answer))
    assert sum(gains) / len(gains) < ALLOWED


@pytest.mark.parametrize("name", FEATURES)
def test_no_shortcut_solves_a_cloze(rows, name):
    """Each stem is answered for from the others: its own answers are what a domain teaches."""
    gains = []
    for domain in DOMAINS:
        tested = rows[f"domains/{domain}/cloze-test.jsonl"]
        for stem in {row["cluster"] for row in tested}:
            others = [
                row for row in rows[f"domains/{domain}/cloze-dev.jsonl"] if row["cluster"] != stem
            ]
            answer = learned(others, FEATURES[name])
            gains.append(gain([row for row in tested if row["cluster"] == stem], answer))
    assert sum(gains) / len(gains) < ALLOWED


def test_the_most_frequent_class_of_a_corpus_solves_nothing(rows):
    """Of the general corpus or the domain's: counts of the words that tell a class."""
    for domain in DOMAINS:
        for corpus in ("corpus/train.jsonl", f"domains/{domain}/train.jsonl"):
            counts = Counter(word for row in rows[corpus] for word in row["text"].split())
            evidence = EVIDENCE[group_of(domain)]
            most = max(evidence, key=lambda name: sum(counts[word] for word in evidence[name]))
            assert gain(pooled(rows, domain, "test"), lambda row, most=most: most) < ALLOWED
            asked = rows[f"domains/{domain}/cloze-test.jsonl"]
            assert gain(asked, lambda row, most=most: most) < ALLOWED


def test_words_of_one_group_are_as_frequent_in_the_general_corpus_as_the_other_s(rows):
    groups = make_groups(SPEC)
    of_group = {
        name: sum(
            any(word.startswith(stem) for word in row["text"].split())
            for row in rows["corpus/train.jsonl"]
            for stem in group.attributes
        )
        for name, group in groups.items()
    }
    assert of_group["reviews"] == pytest.approx(of_group["papers"], rel=0.05)


def test_the_stem_does_solve_a_cloze_so_the_baseline_works(rows):
    for domain in DOMAINS:
        answer = learned(rows[f"domains/{domain}/cloze-dev.jsonl"], lambda row: row["cluster"])
        assert gain(rows[f"domains/{domain}/cloze-test.jsonl"], answer) == pytest.approx(2 / 3)
