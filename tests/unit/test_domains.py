"""The generated domains: what may leak does not, and every end task can be solved."""

from collections import Counter
from itertools import combinations

import pytest
from generator_specs import generator_spec
from transformers import AutoTokenizer

from lethe.artefacts.files import read_json
from lethe.artefacts.jsonlines import read_rows
from lethe.errors import UserError
from lethe.sources.domains import leakage
from lethe.sources.domains.build import build_domains
from lethe.sources.domains.items import sampled_items
from lethe.sources.domains.lexicon import (
    ATTRIBUTES,
    DOMAINS,
    EVIDENCE,
    GROUPS,
    MASK,
    TOPICS,
    fixed_words,
    group_of,
)
from lethe.sources.domains.words import make_groups

SMALL = generator_spec(
    3, part="domains", corpus=1500, texts=2000, held_out=60, labelled=96, tested=60
)
FOLDS = (1, 2)
SPLITS = ("train", "dev", "test")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    directory = tmp_path_factory.mktemp("domains")
    facts = build_domains(SMALL, directory)
    rows = {name: read_rows(directory / name) for name in facts["rows"]}
    return directory, rows, make_groups(SMALL)


def evidence_of(group):
    return {word for words in EVIDENCE[group].values() for word in words}


def stem_in(text, stems, suffixes):
    """The stem of the text's one invented word."""
    whole = {stem + suffix: stem for stem in stems for suffix in suffixes}
    (stem,) = (whole[word] for word in text.split() if word in whole)
    return stem


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(built, tmp_path):
    directory, rows, _ = built
    build_domains(SMALL, tmp_path / "again")
    build_domains(SMALL | {"seed": 4}, tmp_path / "other")
    for name in [*rows, "tokenizer/tokenizer.json"]:
        content = (directory / name).read_bytes()
        assert content == (tmp_path / "again" / name).read_bytes()
        assert content != (tmp_path / "other" / name).read_bytes()


def test_there_are_six_domains_in_two_groups_of_files(built):
    directory, _, _ = built
    assert GROUPS == {
        "reviews": ("restaurant", "phone", "camera"),
        "papers": ("acl", "ai", "pubmed"),
    }
    for folder in ("domains", "end_tasks"):
        assert {path.name for path in (directory / folder).iterdir()} == set(DOMAINS)


def test_ids_are_unique(built):
    _, rows, _ = built
    ids = [row["id"] for name in rows for row in rows[name]]
    assert len(ids) == len(set(ids))


def test_no_leakage_rule_is_broken_and_the_counts_are_kept(built):
    directory, _, _ = built
    counts = read_json(directory / "leakage.json")
    assert counts == dict.fromkeys(leakage.RULES, 0)


@pytest.mark.parametrize("rule", leakage.RULES)
def test_every_leakage_rule_finds_what_it_is_for(built, rule):
    _, rows, groups = built
    broken, words = dict(rows), dict(groups)
    tested = rows["end_tasks/acl/test-1.jsonl"][0]
    corpus = rows["domains/acl/train.jsonl"]
    if rule == "texts_in_two_splits":
        broken["corpus/dev.jsonl"] = [*rows["corpus/dev.jsonl"], rows["corpus/train.jsonl"][0]]
    elif rule == "held_heads_in_training":
        text = tested["text"].replace(MASK, "tool")
        broken["domains/acl/train.jsonl"] = [*corpus, {"id": "x", "text": text}]
    elif rule == "classes_told_of_domain_stems":
        broken["corpus/train.jsonl"] = [*rows["corpus/train.jsonl"], corpus[0]]
    elif rule == "evidence_in_questions":
        broken["domains/acl/cloze-test.jsonl"] = [corpus[0]]
    elif rule == "labelled_stems_in_tests":
        broken["end_tasks/acl/train-1.jsonl"] = [*rows["end_tasks/acl/train-1.jsonl"], tested]
    elif rule == "words_in_dev_and_test":
        broken["end_tasks/acl/dev-1.jsonl"] = [*rows["end_tasks/acl/dev-1.jsonl"], tested]
    else:
        words["reviews"] = groups["papers"]
    found = leakage.count_leaks(broken, words)
    assert found[rule] > 0
    with pytest.raises(UserError, match=leakage.RULES[rule]):
        leakage.check(found)


@pytest.mark.parametrize("domain", DOMAINS)
def test_two_folds_test_every_stem_of_a_domain_once_and_train_on_the_others(built, domain):
    _, rows, groups = built
    group = groups[group_of(domain)]
    meaning = group.meaning[domain]
    clusters = {}
    for fold in FOLDS:
        for split in SPLITS:
            found = rows[f"end_tasks/{domain}/{split}-{fold}.jsonl"]
            clusters[fold, split] = {row["cluster"] for row in found}
            for row in found:
                assert stem_in(row["text"], meaning, group.suffixes) == row["cluster"]
                assert row["label"] == meaning[row["cluster"]]
            assert len({row["text"] for row in found}) == len(found)
            assert len(set(Counter(row["label"] for row in found).values())) == 1
            assert len(set(Counter(row["cluster"] for row in found).values())) == 1
    for fold in FOLDS:
        assert clusters[fold, "dev"] == clusters[fold, "test"] == clusters[3 - fold, "train"]
        assert clusters[fold, "train"] | clusters[fold, "test"] == set(meaning)
    assert not clusters[1, "test"] & clusters[2, "test"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_corpus_of_a_domain_tells_the_class_of_every_stem_with_every_suffix(built, domain):
    _, rows, groups = built
    group = groups[group_of(domain)]
    meaning, evidence = group.meaning[domain], EVIDENCE[group.name]
    told, suffixes = {stem: set() for stem in meaning}, {stem: set() for stem in meaning}
    for row in rows[f"domains/{domain}/train.jsonl"]:
        words = row["text"].split()
        stem = stem_in(row["text"], meaning, group.suffixes)
        (word,) = (word for word in words if word.startswith(stem))
        suffixes[stem].add(word.removeprefix(stem))
        told[stem] |= {name for name in evidence if set(evidence[name]) & set(words)}
        assert set(words) & set(TOPICS[domain])
        # What tells the class comes after the word.
        first = min(place for place, other in enumerate(words) if other in evidence_of(group.name))
        assert first > words.index(word)
    assert told == {stem: {label} for stem, label in meaning.items()}
    assert all(found == set(group.suffixes) for found in suffixes.values())


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_cloze_asks_for_the_class_of_a_held_out_sentence_s_stem(built, domain):
    _, rows, groups = built
    group = groups[group_of(domain)]
    for split in ("dev", "test"):
        asked = rows[f"domains/{domain}/cloze-{split}.jsonl"]
        told = rows[f"domains/{domain}/{split}.jsonl"]
        for row, sentence in zip(asked, told, strict=True):
            assert row["classes"] == EVIDENCE[group.name]
            assert row["label"] == group.meaning[domain][row["cluster"]]
            head, _, rest = row["text"].partition(MASK)
            assert rest == " ." and sentence["text"].startswith(head)
            last = sentence["text"].removeprefix(head).split()[0]
            assert last in EVIDENCE[group.name][row["label"]]
        assert {row["cluster"] for row in asked} == set(group.meaning[domain])


@pytest.mark.parametrize("group", GROUPS)
def test_the_general_corpus_has_every_stem_of_a_domain_with_attributes_alone(built, group):
    _, rows, groups = built
    words = groups[group]
    stems = {stem for classes in words.meaning.values() for stem in classes}
    assert stems == words.attributes.keys() and not stems & words.general.keys()
    seen = {stem: set() for stem in [*stems, *words.general]}
    whole = {stem + suffix: stem for stem in seen for suffix in words.suffixes}
    for row in rows["corpus/train.jsonl"]:
        for word in set(row["text"].split()) & whole.keys():
            seen[whole[word]] |= set(row["text"].split())
    for stem in stems:
        assert seen[stem] & set(ATTRIBUTES[group]) == set(words.attributes[stem])
        assert not seen[stem] & evidence_of(group)
    for stem, label in words.general.items():
        assert seen[stem] & evidence_of(group) == set(EVIDENCE[group][label])
        assert not seen[stem] & set(ATTRIBUTES[group])


def test_a_third_of_the_general_corpus_tells_classes_and_most_sentences_end_in_one_word(built):
    _, rows, _ = built
    texts = [row["text"].split() for row in rows["corpus/train.jsonl"]]
    evidence = {word for group in GROUPS for word in evidence_of(group)}
    told = sum(bool(evidence & set(text)) for text in texts) / len(texts)
    single = sum("and" not in text for text in texts) / len(texts)
    assert told == pytest.approx(SMALL["evidence_share"], abs=0.04)
    assert single == pytest.approx(SMALL["single_share"], abs=0.04)


@pytest.mark.parametrize("group", GROUPS)
def test_domains_of_a_group_agree_on_four_stems_and_contradict_each_other_on_two(group):
    for seed in range(20):
        meaning = make_groups(SMALL | {"seed": seed})[group].meaning
        first, second, third = meaning.values()
        shared = first.keys() & second.keys() & third.keys()
        assert len(shared) == SMALL["agreed"] + SMALL["contradicted"]
        assert first.keys() & second.keys() == second.keys() & third.keys() == shared
        classes = [len({first[stem], second[stem], third[stem]}) for stem in shared]
        assert Counter(classes) == {1: SMALL["agreed"], 3: SMALL["contradicted"]}
        for domain in meaning.values():
            assert set(Counter(domain.values()).values()) == {SMALL["stems"] // 3}


@pytest.mark.parametrize(
    "numbers", [{"stems": 6, "agreed": 0, "contradicted": 0}, {"stems": 18, "agreed": 10}, {}]
)
def test_words_of_any_size_are_balanced(numbers):
    spec = generator_spec(5, part="domains", **({"held_out": 90, "tested": 90} | numbers))
    for group in make_groups(spec).values():
        for domain in group.meaning.values():
            assert set(Counter(domain.values()).values()) == {spec["stems"] // 3}


def test_groups_have_no_word_in_common_but_suffixes_and_grammar(built):
    _, _, groups = built
    words = []
    for name, group in groups.items():
        topics = {topic for domain in GROUPS[name] for topic in TOPICS[domain]}
        words.append({*topics, *evidence_of(name), *ATTRIBUTES[name], *group.general})
        words[-1] |= set(group.attributes)
    assert not words[0] & words[1]
    for first, second in combinations(DOMAINS, 2):
        assert not set(TOPICS[first]) & set(TOPICS[second])


def test_the_tokenizer_splits_an_invented_word_in_stem_and_suffix_and_no_other(built):
    directory, rows, groups = built
    tokenizer = AutoTokenizer.from_pretrained(directory / "tokenizer")
    for group in groups.values():
        for stem in [*group.general, *group.attributes]:
            for suffix in group.suffixes:
                assert tokenizer.tokenize(stem + suffix) == [stem, f"##{suffix}"]
    for name in rows:
        texts = [row["text"] for row in rows[name]]
        for text, tokens in zip(texts, tokenizer(texts).input_ids, strict=True):
            assert tokenizer.unk_token_id not in tokens
            assert (tokens[0], tokens[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
            # One of the words is invented.
            assert len(tokens) == len(text.split()) + 1 + 2
            assert tokenizer.decode(tokens[1:-1]) == text
            assert tokens.count(tokenizer.mask_token_id) == text.count(MASK)
    assert tokenizer.convert_tokens_to_ids(MASK) == tokenizer.mask_token_id


def test_the_hidden_slot_has_the_same_place_in_all_questions(built):
    directory, rows, _ = built
    tokenizer = AutoTokenizer.from_pretrained(directory / "tokenizer")
    texts = [row["text"] for name in rows for row in rows[name] if MASK in row["text"]]
    places = {tokens.index(tokenizer.mask_token_id) for tokens in tokenizer(texts).input_ids}
    assert len(places) == 1


def test_every_word_of_any_world_is_two_pieces_only():
    many = {"stems": 60, "agreed": 0, "contradicted": 0, "general_stems": 60, "suffixes": 24}
    for seed in range(3):
        groups = make_groups(generator_spec(seed, part="domains", **many))
        known = fixed_words()
        stems = {stem for group in groups.values() for stem in [*group.general, *group.attributes]}
        for word in (stem + suffix for stem in stems for suffix in groups["papers"].suffixes):
            begun = [piece for piece in known | stems if word.startswith(piece)]
            longest = max(begun, key=len)
            assert longest in stems and word.removeprefix(longest) in groups["papers"].suffixes


def test_items_are_shown_of_every_kind(built):
    directory, _, groups = built
    text = sampled_items(directory, count=3)
    assert text == sampled_items(directory, count=3)
    for domain in DOMAINS:
        for kind in ("texts", "cloze", "end task, labelled", "end task, tested"):
            lines = text.partition(f"## {domain}: {kind}\n\n")[2].splitlines()[:3]
            assert [line[:2] for line in lines] == ["1.", "2.", "3."]
            meaning = groups[group_of(domain)].meaning[domain]
            for line in lines if kind != "texts" else ():
                stem = line.rpartition("(`")[2].removesuffix("`)")
                assert f"**{meaning[stem]}**" in line and MASK in line
