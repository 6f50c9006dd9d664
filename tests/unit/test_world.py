"""What the generated world promises: determinism, files, splits, wording, vocabulary."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from generator_specs import generator_spec

from lethe.artefacts.jsonlines import read_rows
from lethe.artefacts.manifests import verify
from lethe.errors import UserError
from lethe.sources.contents import CHOICES, evaluation_tasks, files_of
from lethe.sources.contents import rows_of as rows_in
from lethe.sources.world import knowledge, leakage, rewriting
from lethe.sources.world.build import GENERATORS, build_world, generate_parts
from lethe.sources.world.items import sampled_items
from lethe.sources.world.lexicon import (
    HELD_OUT,
    LEAD_INS,
    joined,
    mid_sentence,
    token_form,
    written,
)
from lethe.sources.world.parameters import Documents
from lethe.sources.world.shortcuts import MEMORY

# Whole worlds are generated.
pytestmark = pytest.mark.slow

GIVEN = {
    "documents": {k: 300 for k in Documents.model_fields if k not in ("dev", "plain_share")},
    "items": {"tasks": {"train": 60, "dev": 20, "test": 20}},
}
SMALL = generator_spec(7, **GIVEN)
TASKS = ("simp", "emdg", "inqqg", "exp", "hgen")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    build_world(SMALL, directory)
    return directory


def test_its_files_and_sets_are_those_that_a_study_may_name(world):
    written = {str(path.relative_to(world)) for path in world.rglob("*.jsonl")}
    examples = {name for name in written if not name.startswith("eval/")}
    assert files_of("world", None, SMALL, {}) == examples
    sets = {path.stem for path in (world / "eval").glob("*.yaml")}
    assert evaluation_tasks("world", "world", None, SMALL, {}).keys() == sets


def test_tasks_have_as_many_training_examples_as_a_study_is_told(world):
    for file in sorted(files_of("world", None, SMALL, {})):
        told = rows_in("world", SMALL, file)
        assert (told is not None) == (file.startswith("tasks/") and file.endswith("/train.jsonl"))
        assert told in (None, len(read_rows(world / file)))


def rows_of(world: Path, name: str, split: str) -> list[dict]:
    return read_rows(world / "eval" / "data" / name / f"{split}.jsonl")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(world, tmp_path):
    build_world(SMALL, tmp_path / "again")
    build_world({**SMALL, "seed": 8}, tmp_path / "other")
    files = verify(world, "data.json")["files"]
    assert verify(tmp_path / "again", "data.json")["files"] == files
    other = verify(tmp_path / "other", "data.json")["files"]
    for name in ("corpus/train.jsonl", "eval/data/know_trade/test.jsonl", "tasks/simp/train.jsonl"):
        assert other[name] != files[name]


def test_every_choice_set_has_both_splits_and_answers_that_are_choices(world):
    for name in CHOICES:
        for split in ("dev", "test"):
            rows = rows_of(world, name, split)
            assert len(rows) >= 60
            for row in rows:
                assert len(set(row["choices"])) == len(row["choices"])
                assert 0 <= row["answer"] < len(row["choices"])
                assert row["cluster"]


def test_choices_are_two_or_four_and_all_occur_in_the_passage_of_a_reading_set(world):
    for name in CHOICES:
        two = name in ("reason_property", "reason_tool", "reason_pronoun")
        for row in rows_of(world, name, "test"):
            assert len(row["choices"]) == (2 if two else 4)
            if name.startswith("read_"):
                words = token_form(row["context"]).split()
                assert all(token_form(choice) in words for choice in row["choices"])


def test_no_item_and_no_entity_of_a_knowledge_set_is_in_two_splits(world):
    for name in [*CHOICES, "bias_pairs", *(f"own_{t}" for t in TASKS)]:
        dev, test = (rows_of(world, name, s) for s in ("dev", "test"))
        assert not {r["id"] for r in dev} & {r["id"] for r in test}
        if name.startswith("know_"):
            assert not {r["cluster"] for r in dev} & {r["cluster"] for r in test}


def test_task_splits_share_no_source_text(world):
    for task in TASKS:
        sources = [
            {(r["source"], str(r["constraint"])) for r in read_rows(world / "tasks" / task / f)}
            for f in ("train.jsonl", "dev.jsonl", "test.jsonl")
        ]
        for one, other in combinations(sources, 2):
            assert not one & other
        assert [len(s) for s in sources] == [60, 20, 20]


def test_headlines_obey_their_constraint_and_every_kind_occurs(world):
    kinds = Counter()
    for row in read_rows(world / "tasks" / "hgen" / "train.jsonl"):
        words, constraint = row["response"].split(), row["constraint"]
        place = {"first": words[:1], "last": words[-1:], "contained": words}[constraint["kind"]]
        assert constraint["word"] in place
        kinds[constraint["kind"]] += 1
    assert set(kinds) == {"first", "contained", "last"}


def test_simple_words_are_never_complex_words():
    for table in (rewriting.NOUNS, rewriting.VERBS, rewriting.ADJECTIVES):
        assert not set(table) & set(table.values())
        assert len(set(table.values())) == len(table)


def test_values_of_the_attributes_of_a_group_are_different_words():
    for _, attributes in knowledge.GROUPS.values():
        for values in attributes.values():
            assert len(set(values.split())) == len(values.split()) == 8


def test_every_evaluated_fact_can_be_told_and_never_in_the_wording_that_asks_for_it():
    parts = generate_parts(SMALL)
    documents = parts["knowledge"].documents["knowledge"]
    assert all(
        phrase not in text for text in documents for phrase in ("tell me the", "to know the")
    )


def test_words_of_an_evaluation_prompt_are_words_of_the_corpus():
    parts = generate_parts(generator_spec(7))
    known = {
        word
        for part in parts.values()
        for texts in part.documents.values()
        for text in texts
        for word in text.split()
    }
    for part in parts.values():
        for name, splits in part.sets.items():
            for rows in splits.values():
                for row in rows:
                    unknown = set(leakage.prompt_of(row).split()) - known
                    assert not unknown, (name, unknown)


def test_the_base_reads_every_word_of_the_tasks_but_no_instruction_and_no_answer_to_one(tmp_path):
    build_world(generator_spec(7), tmp_path)
    texts = [
        token_form(row.get("text") or f"{row['prompt']} {row['response']}")
        for stem in ("train", "questions-train")
        for row in read_rows(tmp_path / "corpus" / f"{stem}.jsonl")
    ]
    known = {word for text in texts for word in text.split()}
    everything = "\n".join(texts)
    for task in TASKS:
        rows = read_rows(tmp_path / "tasks" / task / "train.jsonl")
        rows += read_rows(tmp_path / "tasks" / task / "test.jsonl")
        for row in rows:
            assert not set(token_form(f"{row['prompt']} {row['response']}").split()) - known
            assert token_form(row["prompt"]) not in everything
            # Plain sentences are read, not that they are what a rare one comes to.
            assert task == "simp" or token_form(row["response"]) not in everything


def test_the_lead_in_of_evaluation_is_made_of_known_words_but_is_no_corpus_lead_in():
    assert all(HELD_OUT not in text for text in LEAD_INS)
    assert set(HELD_OUT.split()) <= {word for text in LEAD_INS for word in text.split()}


def test_the_tokenizer_knows_every_word_and_decodes_to_ordinary_spacing(world):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(world / "tokenizer")
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<s>", "</s>")
    texts = [r["text"] for r in read_rows(world / "corpus" / "train.jsonl")]
    texts += [leakage.prompt_of(r) for name in CHOICES for r in rows_of(world, name, "test")]
    for task in TASKS:
        for row in read_rows(world / "tasks" / task / "train.jsonl"):
            texts += [row["prompt"], row["response"]]
            ids = tokenizer(" " + row["response"], add_special_tokens=False)["input_ids"]
            assert tokenizer.decode(ids) == row["response"]
    for ids in tokenizer(texts)["input_ids"]:
        assert tokenizer.unk_token_id not in ids
        assert ids[0] == tokenizer.bos_token_id


def test_a_choice_after_its_context_is_tokenized_as_on_its_own(world):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(world / "tokenizer")
    for name in CHOICES:
        for row in rows_of(world, name, "dev")[:5]:
            choice = " " + row["choices"][0]
            alone = tokenizer(choice, add_special_tokens=False)["input_ids"]
            whole = tokenizer(row["context"] + choice)["input_ids"]
            assert whole == tokenizer(row["context"])["input_ids"] + alone


def test_half_of_a_rivals_traits_are_held_against_each_side(world):
    rows = rows_of(world, "bias_pairs", "test") + rows_of(world, "bias_pairs", "dev")
    assert len({row["bias_type"] for row in rows}) == 4
    for row in rows:
        assert row["sent_more"] != row["sent_less"]
        more, less = row["sent_more"].split(), row["sent_less"].split()
        assert len(more) == len(less)
        assert sum(a != b for a, b in zip(more, less, strict=True)) == 1


def test_yes_and_no_are_equally_frequent(world):
    answers = Counter(row["answer"] for row in rows_of(world, "reason_property", "test"))
    assert abs(answers[0] - answers[1]) <= 0.05 * answers.total()


def test_leakage_is_counted_and_is_none(world):
    counts = json.loads((world / "leakage.json").read_text())
    assert set(counts) == set(leakage.RULES)
    assert not any(counts.values())


def test_each_leakage_rule_sees_its_violation():
    row = {"id": "a", "context": "Let us think: it is"}
    task = {"id": "t", "prompt": "Of Velkwort, let us think", "response": "no"}
    counts = leakage.count_leaks(
        documents={"train": ["Let us think: it is", "Same."], "dev": ["Same."]},
        sets={"one": {"dev": [row], "test": [row]}, "two": {"dev": [row], "test": []}},
        phrases={"one": ["let us think"], "two": ["another phrase"]},
        tasks={"simp": {"train": [task]}},
        evaluated_names={"velkwort"},
    )
    assert all(count > 0 for count in counts.values()), counts
    with pytest.raises(UserError, match="leaks"):
        leakage.check(counts)


def test_more_items_than_a_set_can_have_are_refused_in_words():
    many = {**SMALL, "items": {**SMALL["items"], "reasoning": {"test": 10**5, "dev": 20}}}
    with pytest.raises(UserError, match="different items"):
        generate_parts(many)


def test_task_yaml_points_at_files_that_are_there(world):
    names = {path.stem for path in (world / "eval").glob("*.yaml")}
    assert names == {*CHOICES, "bias_pairs", *(f"own_{t}" for t in TASKS)}
    for name in names:
        text = (world / "eval" / f"{name}.yaml").read_text().replace("!function", "")
        task = yaml.safe_load(text)
        assert task["task"] == name
        for path in task["dataset_kwargs"]["data_files"].values():
            assert (world / "eval" / path).is_file()


def test_spelling_goes_there_and_back():
    text = "anna asked boris : what is the export of velquay ? wool ."
    names = {"anna", "boris", "velquay"}
    spelled = written(text, names)
    assert spelled == "Anna asked Boris: What is the export of Velquay? Wool."
    assert token_form(spelled) == text
    assert mid_sentence("boris", names) == "Boris"
    assert joined("how are you ?") == "how are you?"


def test_items_are_shown_for_every_kind(world):
    text = sampled_items(world, count=5)
    for name in [*CHOICES, "bias_pairs", *(f"task {t}" for t in TASKS)]:
        assert f"## {name}\n" in text
    assert text == sampled_items(world, count=5)


def test_parts_do_not_depend_on_each_others_sizes():
    one = generate_parts(SMALL)
    more = {**SMALL, "documents": {**SMALL["documents"], "tool": 500}}
    other = generate_parts(more)
    for name in GENERATORS:
        assert (one[name].documents == other[name].documents) == (name != "tool")
        assert one[name].phrases == other[name].phrases


def test_memory_sets_are_sets():
    assert set(CHOICES) >= MEMORY
