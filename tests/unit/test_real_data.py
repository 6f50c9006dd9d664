"""Data from packages: every choice is right once in four, nothing asked is taught."""

from collections import Counter

import numpy as np
import pytest
import yaml
from real_packages import COUNTRIES, SMALL, make_packages, parts_of

from lethe.artefacts.jsonlines import read_rows
from lethe.errors import UserError
from lethe.evaluation import text_metrics
from lethe.sources.contents import evaluation_tasks, files_of, rows_of
from lethe.sources.parameters import source_parameters
from lethe.sources.real import leakage, shortcuts
from lethe.sources.real.balance import balanced
from lethe.sources.real.build import build_real, generate_sets, generate_tasks, read_packages
from lethe.sources.real.capitals import read_capitals
from lethe.sources.real.items import sampled_items
from lethe.sources.real.manual import read_manual
from lethe.sources.real.packages import Part
from lethe.sources.real.pieces import pieces
from lethe.sources.real.prose import sentences_of
from lethe.sources.real.quads import Asked
from lethe.sources.real.task_files import METRICS, PROCESS
from lethe.sources.real.word_sets import related
from lethe.sources.real.word_tasks import SORTS, sorts
from lethe.sources.real.wordnet import read_wordnet

SPLITS = ("train", "dev", "test")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return parts_of(make_packages(tmp_path_factory.mktemp("packages")))


@pytest.fixture(scope="module")
def packages(parts):
    return read_packages(SMALL["seed"], parts)


@pytest.fixture(scope="module")
def made(packages):
    sets = generate_sets(SMALL, packages)
    return sets, generate_tasks(SMALL, packages, sets), pieces(SMALL, packages.documents)


@pytest.fixture(scope="module")
def built(parts, tmp_path_factory):
    directory = tmp_path_factory.mktemp("real")
    return directory, build_real(SMALL, parts, directory)


def all_rows(sets):
    return [
        (name, row) for name, splits in sets.items() for rows in splits.values() for row in rows
    ]


def test_every_choice_is_right_once_in_its_four_and_every_place_too(made):
    sets, *_ = made
    fours = {}
    for name, row in all_rows(sets):
        fours.setdefault((name, row["cluster"]), []).append(row)
    assert {name for name, _ in fours} == set(sets)
    for rows in fours.values():
        assert sorted(row["answer"] for row in rows) == [0, 1, 2, 3]
        assert {frozenset(row["choices"]) for row in rows} == {
            frozenset(row["choices"][row["answer"]] for row in rows)
        }


def test_what_looks_at_choices_alone_is_right_in_exactly_one_of_four(made):
    sets, *_ = made
    rows = {name: splits["test"] for name, splits in sets.items()}
    blind = {"longest", "shortest", "commonest", "rarest", "choices alone"}
    found = shortcuts.shortcut_rows(rows, ["some texts"])
    assert {row["set"] for row in found} == set(sets)
    for row in found:
        if row["shortcut"] in blind:
            assert row["accuracy"] == pytest.approx(0.25), row


def test_a_set_that_its_questions_give_away_stops_the_build(made):
    rows = [
        {**row, "context": f"{row['context']} {row['choices'][row['answer']]}"}
        for row in made[0]["opposites"]["test"]
    ]
    found = shortcuts.shortcut_rows({"opposites": rows}, ["some texts"])
    with pytest.raises(UserError, match=r"opposites is solved by a shortcut \(words of the quest"):
        shortcuts.check(found)


def test_fours_that_would_let_a_shortcut_gain_are_left_out():
    def four(number, given_away):
        answers = [f"{letter}answer{number}" for letter in "abcd"]
        return tuple(
            Asked(f"Question {answer if given_away else number}", answer, ()) for answer in answers
        )

    groups = [four(number, given_away=number % 2) for number in range(40)]
    taken = balanced(groups, 20)
    assert len(taken) == 20
    assert sum(four in groups[1::2] for four in taken) <= 1
    # Where nothing else is left, fewer are taken.
    assert len(balanced(groups[1::2], 20)) <= 1


def test_no_wrong_kind_is_right_and_no_definition_has_a_part_of_its_word(made, packages):
    sets, *_ = made
    net = packages.net
    for row in sets["kinds"]["test"]:
        (key, _) = net.first(row["subjects"][0], "n")
        above = {word for kind in net.above(key) for word in net.synsets[kind].words}
        right = [choice for choice in row["choices"] if choice in above]
        assert right == [row["choices"][row["answer"]]]
    for row in sets["definitions"]["test"]:
        assert not related(row["subjects"][0], row["choices"][row["answer"]])


def test_the_data_break_no_rule_of_leakage(made):
    counts = leakage.count_leaks(*made)
    assert counts == dict.fromkeys(leakage.RULES, 0)


def plant_item(sets, tasks, prose):
    sets["kinds"]["dev"].append(sets["kinds"]["test"][0])


def plant_taught_twice(sets, tasks, prose):
    tasks["sort"]["train"].append({**tasks["sort"]["test"][0], "id": "another"})


def plant_asked_word(sets, tasks, prose):
    (word, *_) = sets["definitions"]["test"][0]["subjects"]
    tasks["example"]["train"][0] = {**tasks["example"]["train"][0], "subjects": [word]}


def plant_answer(sets, tasks, prose):
    row = sets["opposites"]["test"][0]
    told = f"One of {row['told'][0]} and {row['told'][1]}."
    tasks["restore"]["train"][0] = {**tasks["restore"]["train"][0], "response": told}


def plant_asked_sentence(sets, tasks, prose):
    (sentence, *_) = sets["endings"]["test"][0]["subjects"]
    # Every sentence of a held-out document may be asked about, so this breaks one rule alone.
    sets["endings"]["test"][0]["subjects"] = ["Only this question has these words."]
    prose["novel"]["train"][0]["text"] += " Only this question has these words."


def plant_held_prose(sets, tasks, prose):
    text = "Nobody else wrote this sentence of five and more words."
    prose["speeches"]["test"][0]["text"] += f" {text}"
    tasks["restore"]["train"][0] = {**tasks["restore"]["train"][0], "subjects": [text]}


def plant_document(sets, tasks, prose):
    row = {**prose["novel"]["test"][0], "text": "Unheard of."}
    prose["novel"]["train"].append(row)


BREACHES = {
    "items_in_two_splits": plant_item,
    "taught_in_two_splits": plant_taught_twice,
    "asked_words_taught": plant_asked_word,
    "answers_taught": plant_answer,
    "asked_sentences_taught": plant_asked_sentence,
    "held_prose_taught": plant_held_prose,
    "documents_in_two_splits": plant_document,
}


def test_there_is_a_breach_for_every_rule():
    assert set(BREACHES) == set(leakage.RULES)


@pytest.mark.parametrize("rule", BREACHES)
def test_a_breach_of_a_rule_is_counted_and_stops_the_build(made, rule):
    sets, tasks, prose = (
        {name: {s: [dict(row) for row in rows] for s, rows in splits.items()}
         for name, splits in part.items()} for part in made
    )  # fmt: skip
    BREACHES[rule](sets, tasks, prose)
    counts = leakage.count_leaks(sets, tasks, prose)
    assert {name for name, count in counts.items() if count} == {rule}
    with pytest.raises(UserError, match=leakage.RULES[rule]):
        leakage.check(counts)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(built, parts, tmp_path):
    directory, facts = built
    build_real(SMALL, parts, tmp_path / "again")
    build_real({**SMALL, "seed": 1}, parts, tmp_path / "other")
    for name in facts["rows"]:
        content = (directory / name).read_bytes()
        assert content == (tmp_path / "again" / name).read_bytes()
        assert content != (tmp_path / "other" / name).read_bytes()


def test_the_files_are_those_that_the_catalogue_may_name(built):
    directory, facts = built
    values = source_parameters("sources.real", "real", None, {})
    expected = files_of("real", None, values, {})
    assert {name for name in facts["rows"] if not name.startswith("eval/")} == expected
    described = {path.stem: yaml.load(path.read_text(), yaml.BaseLoader)
                 for path in (directory / "eval").glob("*.yaml")}  # fmt: skip
    known = evaluation_tasks("real", "real", None, values, {})
    assert described.keys() == known.keys()
    for name, (kind, metrics) in known.items():
        assert described[name]["output_type"] == kind
        assert tuple(entry["metric"] for entry in described[name]["metric_list"]) == metrics
    for file in expected:
        if file.endswith("train.jsonl"):
            assert len(read_rows(directory / file)) == rows_of("real", SMALL, file)


def test_a_task_lists_every_metric_that_its_answers_are_given(built):
    directory, _ = built
    for name, metrics in METRICS.items():
        row = read_rows(directory / "tasks" / name / "train.jsonl")[0]
        process = getattr(text_metrics, f"process_{PROCESS.get(name, 'generic')}")
        assert set(process(row, [row["response"]])) == set(metrics)


def test_a_task_answers_in_one_line_and_an_example_has_its_word(built):
    directory, _ = built
    for task in ("restore", "sort", "manual", "example", "path"):
        for row in read_rows(directory / "tasks" / task / "train.jsonl"):
            assert row["response"] and "\n" not in row["response"]
            assert row["references"] == [row["response"]]
            if task == "example":
                assert row["constraint"]["word"] in row["response"].split()


def test_sampled_items_have_a_heading_for_every_set_task_and_kind_of_prose(built):
    directory, _ = built
    text = sampled_items(directory, count=2)
    assert Counter(line[:3] for line in text.splitlines())["## "] == 7 + 5 + 3


def test_too_few_items_and_missing_files_are_named(parts, packages, tmp_path):
    many = {**SMALL, "items": {"test": 400, "dev": 8}}
    with pytest.raises(UserError, match="Expected 408 questions for definitions, found "):
        generate_sets(many, packages)
    with pytest.raises(UserError, match="Expected 9000 pieces of speeches .train., found "):
        pieces({**SMALL, "prose": {**SMALL["prose"], "train": 9000}}, packages.documents)
    rows = {**SMALL, "rows": {"train": 5000, "dev": 4, "test": 4}}
    with pytest.raises(UserError, match="Expected 5008 rows for the task restore, found "):
        generate_tasks(rows, packages, generate_sets(SMALL, packages))
    with pytest.raises(UserError, match="made_from.wordnet: expected files data.noun"):
        read_packages(0, parts | {"wordnet": Part("wordnet", tmp_path)})


def test_wordnet_is_read_as_its_manual_says(tmp_path):
    (tmp_path / "data.noun").write_text(
        "  1 licence\n"
        "00000010 03 n 01 thing 0 000 | what is  \n"
        "00000020 05 n 02 dog 0 domestic_dog 0 001 @ 00000010 n 0000 | a tame animal; of old; "
        '"the dog barked"; "dogs bark"  \n'
        "00000030 05 n 01 dog 1 001 @ 00000020 n 0000 | a dull person  \n"
    )
    (tmp_path / "data.adj").write_text(
        "00000040 00 a 01 hot 0 001 ! 00000050 a 0101 | warm  \n"
        "00000050 00 a 01 cold(a) 0 001 ! 00000040 a 0101 | not warm  \n"
    )
    for name in ("data.verb", "data.adv"):
        (tmp_path / name).write_text("  1 licence\n")
    (tmp_path / "index.sense").write_text(
        "dog%1:05:00:: 00000020 1 42\ndog%1:05:01:: 00000030 2 3\nhot%3:00:00:: 00000040 1 7\n"
    )
    net = read_wordnet(Part("wordnet", tmp_path))
    dog = net.synsets["n", "00000020"]
    assert dog.words == ("dog", "domestic dog")
    assert dog.definition == "a tame animal; of old"
    assert dog.examples == ("the dog barked", "dogs bark")
    assert net.first("dog", "n") == (("n", "00000020"), 42)
    assert net.seen("dog") == 45
    assert net.above(("n", "00000030")) == {("n", "00000020"), ("n", "00000010")}
    cold = net.synsets["a", "00000050"]
    assert cold.words == ("cold",) and cold.opposites == ((0, ("a", "00000040"), 0),)


def test_sentences_end_at_stops_but_not_after_initials_and_titles():
    text = (
        'Mr. J. Smith came.  "Who is it?" She\nasked No. 5. It was late! (Very late.) Then: 3.5 m.'
    )
    assert sentences_of(text) == (
        "Mr. J. Smith came.",
        '"Who is it?"',
        "She asked No. 5.",
        "It was late!",
        "(Very late.)",
        "Then: 3.5 m.",
    )


def test_a_package_is_read_and_never_run(parts):
    entries = read_manual(parts["manual"])
    assert len(entries) == 60
    assert all("`" not in line and line.startswith("Return the") for line in entries.values())


def test_capitals_are_asked_both_ways_in_one_cluster_within_a_region(parts, made):
    read = read_capitals(parts["countries"])
    assert len(read) == COUNTRIES
    assert not {"Lutetia", "none", "Insula, Magna"} & {one.country for one in read}
    city, region = {r.country: r.city for r in read}, {r.country: r.region for r in read}
    asked, clusters = [], {}
    for split, rows in made[0]["capitals"].items():
        for row in rows:
            country, right = row["subjects"][0], row["choices"][row["answer"]]
            if row["context"] == f"The capital of {country} is":
                assert right == city[country]
                regions = {region[c] for c in city if city[c] in row["choices"]}
            else:
                assert row["context"] == f"{city[country]} is the capital of"
                assert right == country
                regions = {region[choice] for choice in row["choices"]}
            assert regions == {region[country]}
            asked.append((split, country))
            clusters.setdefault(country, set()).add(row["cluster"])
    assert len({country for _, country in asked}) == len(set(asked))
    assert max(map(len, clusters.values())) == 1


def test_a_gap_is_asked_for_by_the_words_of_its_sentence_before_it(made):
    for row in made[0]["gaps"]["test"]:
        passage, asked = row["context"].split("\n\nIn short: ")
        before = passage.split(row["choices"][row["answer"]])[0].split(". ")[-1].lower()
        assert 2 <= len(asked.split()) <= 3
        assert all(word in before for word in asked.split())
        assert all(passage.count(choice) == 1 for choice in row["choices"])


def test_sorts_have_as_many_words_of_each_kind(packages):
    rows = sorts(packages.net, lambda word: True, np.random.default_rng(0))
    counts = Counter(row["response"] for row in rows)
    assert len(counts) > 1 and len(set(counts.values())) == 1
    for row in rows:
        (word,) = row["subjects"]
        ((key, *_),) = packages.net.senses[word, "n"]
        assert row["response"] == SORTS[packages.net.synsets[key].field]
