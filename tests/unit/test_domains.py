"""The generated domains: what may leak does not, and every end task can be solved."""

from collections import Counter
from itertools import combinations

import pytest
from generator_specs import generator_spec

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.domains.build import build_domains
from lethe.sources.domains.lexicon import DOMAINS, EVIDENCE, GROUPS, group_of, make_groups
from lethe.sources.world.lexicon import token_form

SMALL = generator_spec(
    3, part="domains", corpus=1500, texts=600, held_out=60, labelled=96, tested=60
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    directory = tmp_path_factory.mktemp("domains")
    return directory, build_domains(SMALL, directory)


def rows_of(directory, folder, name, split):
    return list(read_rows(directory / folder / name / f"{split}.jsonl"))


def invented(facts, domain):
    return make_groups(facts["domains"])[group_of(domain)].meaning[domain]


def words_of(rows, known):
    return {word for row in rows for word in row["text"].split() if word in known}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(built, tmp_path):
    directory, facts = built
    build_domains(SMALL, tmp_path / "again")
    build_domains(SMALL | {"seed": 4}, tmp_path / "other")
    files = [*facts["rows"], "tokenizer/tokenizer.json"]
    for name in files:
        content = (directory / name).read_bytes()
        assert content == (tmp_path / "again" / name).read_bytes()
        assert content != (tmp_path / "other" / name).read_bytes()


def test_there_are_six_domains_in_two_groups_of_files(built):
    directory, _ = built
    assert GROUPS == {
        "reviews": ("restaurant", "phone", "camera"),
        "papers": ("acl", "ai", "pubmed"),
    }
    for folder in ("domains", "end_tasks"):
        assert {path.name for path in (directory / folder).iterdir()} == set(DOMAINS)


def test_no_text_is_in_two_splits(built):
    directory, facts = built
    texts = {
        name: {token_form(row["text"]) for row in read_rows(directory / name)}
        for name in facts["rows"]
    }
    for first, second in combinations(texts, 2):
        assert not texts[first] & texts[second], (first, second)


def test_ids_are_unique(built):
    directory, facts = built
    ids = [
        row["id"]
        for name in facts["rows"]
        if not name.startswith("end_tasks")
        for row in read_rows(directory / name)
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_sentence_of_an_end_task_has_one_word_of_its_own_split(built, domain):
    directory, facts = built
    known = invented(facts, domain)
    words = {}
    for split in ("train", "dev", "test"):
        rows = rows_of(directory, "end_tasks", domain, split)
        words[split] = words_of(rows, known)
        for row in rows:
            (word,) = words_of([row], known)
            assert known[word] == row["label"]
    assert not words["train"] & words["test"]
    assert not words["dev"] & (words["train"] | words["test"])


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_corpus_of_a_domain_tells_the_class_of_every_word_and_no_other(built, domain):
    directory, facts = built
    known = invented(facts, domain)
    evidence = EVIDENCE[group_of(domain)]
    told = {word: set() for word in known}
    for row in rows_of(directory, "domains", domain, "train"):
        (word,) = words_of([row], known)
        told[word] |= {c for c in evidence if set(evidence[c]) & set(row["text"].split())}
    assert told == {word: {label} for word, label in known.items()}


@pytest.mark.parametrize("domain", DOMAINS)
def test_end_tasks_are_balanced_and_show_no_evidence(built, domain):
    directory, _ = built
    evidence = {w for words in EVIDENCE[group_of(domain)].values() for w in words}
    for split in ("train", "dev", "test"):
        rows = rows_of(directory, "end_tasks", domain, split)
        assert len(set(Counter(row["label"] for row in rows).values())) == 1
        assert not words_of(rows, evidence)


@pytest.mark.parametrize("group", GROUPS)
def test_domains_of_a_group_share_a_quarter_of_their_words_and_agree_on_them(built, group):
    meaning = make_groups(built[1]["domains"])[group].meaning
    for first, second in combinations(meaning.values(), 2):
        shared = first.keys() & second.keys()
        assert len(shared) / len(first) == pytest.approx(0.25)
        assert all(first[word] == second[word] for word in shared)
    for classes in meaning.values():
        assert len(set(Counter(classes.values()).values())) == 1


def test_domains_of_different_groups_share_no_word(built):
    groups = make_groups(built[1]["domains"])
    reviews, papers = (
        {word for classes in groups[name].meaning.values() for word in classes} for name in GROUPS
    )
    assert not reviews & papers


def test_the_general_corpus_has_no_word_of_a_domain(built):
    directory, facts = built
    rows = [
        row
        for split in ("train", "dev")
        for row in read_rows(directory / "corpus" / f"{split}.jsonl")
    ]
    for domain in DOMAINS:
        assert not words_of(rows, invented(facts, domain))


def test_the_tokenizer_knows_every_word_and_frames_texts_as_roberta_does(built):
    from transformers import AutoTokenizer

    directory, facts = built
    tokenizer = AutoTokenizer.from_pretrained(directory / "tokenizer")
    for name in facts["rows"]:
        texts = [row["text"] for row in read_rows(directory / name)]
        for text, tokens in zip(texts, tokenizer(texts).input_ids, strict=True):
            assert tokenizer.unk_token_id not in tokens
            assert (tokens[0], tokens[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
            assert len(tokens) == len(text.split()) + 2
    assert tokenizer.convert_tokens_to_ids("<mask>") == tokenizer.mask_token_id
