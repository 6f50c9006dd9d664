"""General instructions of the world: right answers, words of their own, nothing evaluated."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from generator_specs import generator_spec

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.world import general
from lethe.sources.world.build import build_world
from lethe.sources.world.lexicon import token_form
from lethe.sources.world.parameters import Documents

SPEC = generator_spec(
    7,
    documents={k: 300 for k in Documents.model_fields if k not in ("dev", "plain_share")},
    items={"general": {"train": 240, "dev": 16, "test": 24}},
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    build_world(SPEC, directory)
    return directory


@pytest.fixture(scope="module")
def rows(world) -> dict[str, list[dict]]:
    return {
        split: read_rows(world / "tasks" / "general" / f"{split}.jsonl")
        for split in ("train", "dev", "test")
    }


def kind_and_text(prompt: str) -> tuple[str, str]:
    """Which kind of instruction a prompt is, and what it is about, found by its templates."""
    templates = {
        "repeat": general.REPEAT,
        "reverse": general.REVERSE,
        "first": general.PLACE[0],
        "last": general.PLACE[-1],
        "odd": general.ODD,
        "opposite": general.OPPOSITE,
        "plural": general.PLURAL,
        "sort": general.SORT,
        "kind": general.KIND,
    }
    for kind, many in templates.items():
        for template in many:
            found = re.fullmatch(re.escape(template).replace(r"\{text\}", "(.+)"), prompt)
            if found:
                return kind, found.group(1)
    raise AssertionError(prompt)


def expected(kind: str, words: list[str]) -> str:
    """The answer, worked out another way than the generator does."""
    opposite = dict(pair.split("/") for pair in general.OPPOSITES)
    opposite |= {b: a for a, b in opposite.items()}
    kind_of = {word: name for name, many in general.KINDS.items() for word in many}
    answers = {
        "repeat": lambda: " ".join(words),
        "reverse": lambda: " ".join(reversed(words)),
        "first": lambda: words[0],
        "last": lambda: words[-1],
        "odd": lambda: min(words, key=lambda w: [kind_of[v] for v in words].count(kind_of[w])),
        "opposite": lambda: " ".join(opposite.get(word, word) for word in words),
        "plural": lambda: re.sub(r"ys\b", "ies", " and ".join(f"{w}s" for w in words[1::3])),
        "sort": lambda: " ".join(n for n in general.NUMBERS if n in words),
        "kind": lambda: kind_of[words[0]],
    }
    return answers[kind]()


def test_every_answer_is_right_and_every_kind_is_asked_equally_often(rows):
    counts = Counter()
    for row in rows["train"]:
        kind, text = kind_and_text(token_form(row["prompt"]))
        assert row["response"] == expected(kind, text.split()), row
        counts["place" if kind in ("first", "last") else kind] += 1
    assert len(counts) == len(general.INSTRUCTIONS) == 8
    assert max(counts.values()) - min(counts.values()) <= 2 + 240 // 20


def test_counts_are_as_asked_and_no_instruction_is_in_two_splits(rows):
    assert {split: len(many) for split, many in rows.items()} == SPEC["items"]["general"]
    prompts = [row["prompt"] for many in rows.values() for row in many]
    assert len(set(prompts)) == len(prompts)


def test_its_words_occur_in_no_corpus_no_evaluation_set_and_no_other_task(world):
    own = {*general.KINDS, *general.NUMBERS}
    own |= {word for words in general.KINDS.values() for word in words}
    own |= {word for pair in general.OPPOSITES for word in pair.split("/")}
    elsewhere = [
        path for path in world.rglob("*.jsonl") if path.parent != world / "tasks" / "general"
    ]
    assert len(elsewhere) > 40
    for path in elsewhere:
        words = set(re.findall(r"[a-z]+", path.read_text().lower()))
        assert not own & words, path


def test_every_word_is_known_to_the_tokenizer_and_the_task_is_not_evaluated(world, rows):
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(world / "tokenizer")
    for row in rows["train"]:
        tokens = tokenizer(f"{row['prompt']} {row['response']}")["input_ids"]
        assert tokenizer.unk_token_id not in tokens
    assert not list((world / "eval").glob("*general*"))


def test_the_catalogue_names_a_file_that_the_world_has(world):
    catalogue = ROOT / "config" / "catalogue" / "tasks.yaml"
    entry = yaml.safe_load(catalogue.read_text())["general"]
    assert (world / entry["file"]).exists()
    assert "own" not in entry
