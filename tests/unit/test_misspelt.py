"""A misspelt name is a sentence of `lethe check`, whatever key holds it."""

import re
from pathlib import Path

import pytest
import yaml

from lethe.cli import main
from lethe.longtables.metric_ids import OF_CLAIMS, REGISTERED
from lethe.metrics import general, matrix  # noqa: F401  (each registers its metrics)
from lethe.metrics.end_tasks import SUMMARIES
from lethe.metrics.registry import REGISTRY

CONFIG = Path(__file__).parents[2] / "config"


def probe(task="know_nature", source: str | None = "world", **keys) -> dict:
    entry = {"tasks": {task: {"axis": "knowledge", "metric": "acc", **keys}}}
    entry |= {"source": source} if source else {}
    return {"define": {"probes": {"mine": entry}}, "probes": ["mine"]}


def part(**keys) -> dict:
    usual = {"contrast": "above_zero", "metric": "fg_luo", "axes": ["knowledge"], "unit": "bases"}
    claim = {"statement": "s", "family": "F", "parts": {"p": usual | {"smallest_effect": 1} | keys}}
    return {"define": {"claims": {"Z": claim}}, "claims": ["Z"]}


def source(**keys) -> dict:
    files = {"train": "config/examples/data/notes_train.jsonl"}
    entry = {"kind": "files", "loader": "generic", "files": files} | keys
    return {"define": {"sources": {"mine": entry}}}


def task(**keys) -> dict:
    entry = {"source": "world", "file": "tasks/simp/train.jsonl", **keys}
    return {"define": {"tasks": {"mine": entry}}}


END_TASK = {"source": "domains", "metric": "accuracy", "task": "phone", "epochs": 1}
END_TASK |= {split: f"end_tasks/phone/{split}.jsonl" for split in ("train", "test")}


def end_task(**keys) -> dict:
    return {"define": {"end_tasks": {"mine": END_TASK | keys}}}


def model(**keys) -> dict:
    return {"define": {"models": {"nano": keys}}}


WORLD = {"kind": "world", "loader": None, "files": {}}
WRONG = [
    (
        probe(metric="acx"),
        "know_nature.metric: expected one that the task gives, `acc`, `acc_norm`",
    ),
    (probe(metric="__class__"), "know_nature.metric: expected one that the task gives, `acc`"),
    (probe("own_simp", metric="sarii", axis="own"), "gives, `sari`, `bleu`, `rouge1`"),
    (probe("know_natur"), "'know_natur' is not known; did you mean 'know_nature'?"),
    (probe("own_smip", axis="own"), "did you mean 'own_simp'?"),
    (probe("hellaswagg", None), "no evaluation task 'hellaswagg' in Lethe's and lm-eval's own"),
    (probe("hellaswag", None), "tasks.hellaswag.source: expected a source with the documents"),
    (probe("hellaswag", "hellaswag", metric="exact_match"), "gives, `acc`, `acc_norm`"),
    (probe("gsm8k", "piqa", metric="exact_match"), "answers in 2 ways; name one of `exact_match,"),
    (probe("gsm8k", "piqa", metric="exact_match,strict"), "gives, `exact_match,strict-match`,"),
    (probe("mmlu_stem", "mmlu", metric="acc_norm"), "gives, `acc`, "),
    (probe("read_high", "domains"), "the source 'domains': 'read_high' is not known"),
    (part(metric="fg_lou"), "parts.p.metric: 'fg_lou' is not known; did you mean 'fg_luo'?"),
    (part(axes=["knowlege"]), "parts.p.axes: 'knowlege' .* did you mean 'knowledge'?"),
    (part(axes=["reading", "reading"]), "axes .*each entry once, found 'reading' 2 times"),
    (
        part(contrast="method_difference", methods=["ewc", "ewc"]),
        "methods .*each entry once, found 'ewc' 2 times",
    ),
    (part(contrast="method_value", methods=["ewcc"]), "parts.p.methods: 'ewcc' is not known"),
    (task(file="tasks/smip/train.jsonl"), "did you mean 'tasks/simp/train.jsonl'?"),
    (
        task(own="own_smip"),
        "tasks.mine.own, among the tasks of all probes: 'own_smip' is not known",
    ),
    (source(files={"trian": "x"}), "files.trian: expected a split .train, validation, test."),
    (source(loader="genric"), "sources.mine.loader: 'genric' is not known"),
    (source(parameters={"wraper": "none"}), "wraper .* did you mean 'wrapper'?"),
    (
        source(kind="world", loader=None, files={}, parameters={"documnts": {}}),
        "documnts .* no such",
    ),
    (source(kind="world", loader=None, files={}, parameters={"part": "domans"}), "'domans' is not"),
    (end_task(train="end_tasks/fone/train.jsonl"), "end_tasks.mine.train, among the files of the"),
    (end_task(task="fone"), "end_tasks.mine.task: 'fone' is not known"),
    (model(corpus=["corpus/trian.jsonl"]), "models.nano.corpus, among the files of the source"),
    (model(corpus=["corpus/train.jsonl"] * 2), "corpus .*each entry once"),
    (model(floors={"know_natur": 0.0}), "the floor of 'know_natur' names no evaluation task"),
    ({"also": [{"models": ["nano", "nano"], "orders": ["reverse"]}]}, "models .*each entry once"),
    ({"also": [{"models": ["nano"], "orders": ["reverse"] * 2}]}, "orders .*each entry once"),
    (
        {
            "models": ["nano", "encdec"],
            "also": [{"models": ["encdec"], "orders": ["reverse"], "end_tasks": ["restaurant"]}],
        },
        "also, entry 1, end_tasks: they are for encoders and decoders, .*found encdec .seq2seq.",
    ),
    (
        {"also": [{"models": ["nano"], "orders": ["reverse"], "probes": ["domains"]}]},
        "also, entry 1, probes: 'domains' scores none of the selected models",
    ),
    (task(own="own_simp"), "tasks.mine.own: expected `own_mine` or `mine`, .*found 'own_simp'"),
    (
        part(metric="f1_own"),
        "parts.p.axes: expected ..end_task.. beside the metric 'f1_own', found",
    ),
    (
        {"models": ["Qwen/Qwen3-0.6B"]},
        "is a name of the hub; .*models: .Qwen3-0.6B.. and .*{Qwen3-0.6B: {family: causal, hub: "
        "Qwen/Qwen3-0.6B, revision: null}}}.*lethe init --model Qwen/Qwen3-0.6B",
    ),
    ({"models": ["./tiny/llama"]}, "is a folder; .*{llama: {family: causal, import: ./tiny/llama}"),
    ({"models": ["gpt2"]}, "models: 'gpt2' is not known.*described under define.models"),
    (
        {"seeds": 3},
        "seeds .*: expected lists by name, as {train: .0, 1, 2.} for .* found 3.$",
    ),
    ({"seeds": [1, 2]}, "seeds .*: expected lists by name, .*, found .1, 2..$"),
    (
        {"also": [{"models": ["a/b"], "orders": ["forward"]}]},
        "models: 'a/b' is a name of the hub",
    ),
    ({"seeds": {"end_task": [1, 2]}}, "seeds.end_task: no end task is selected, so these seeds"),
]


@pytest.mark.parametrize(("over", "sentence"), WRONG, ids=lambda value: str(value)[:60])
def test_a_misspelt_name_is_one_sentence(over, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(CONFIG.parent)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    file = tmp_path / "over.yaml"
    file.write_text(yaml.safe_dump(over))
    nano = CONFIG / "test-nano.yaml"
    assert main(["check", "--configfile", str(nano), str(file)]) == 2
    told = capsys.readouterr().err
    assert re.search(sentence, told), told


def test_filters_are_named_as_lm_eval_writes_them(tmp_path, capsys):
    file = tmp_path / "over.yaml"
    file.write_text(yaml.safe_dump(probe("gsm8k", "piqa", metric="exact_match,strict-match")))
    assert main(["check", "--configfile", str(CONFIG / "test-nano.yaml"), str(file)]) == 0


def test_a_task_in_a_cache_of_the_hub_needs_no_source(tmp_path, monkeypatch):
    (tmp_path / "hub" / "datasets--Rowan--hellaswag").mkdir(parents=True)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    file = tmp_path / "over.yaml"
    file.write_text(yaml.safe_dump(probe("hellaswag", None)))
    assert main(["check", "--configfile", str(CONFIG / "test-nano.yaml"), str(file)]) == 0


def test_the_metrics_of_claims_are_those_that_are_computed():
    unreachable = {"intransigence_chaudhry", "joint_gap", "one_gap"}
    assert set(REGISTERED) == REGISTRY.keys() - unreachable
    assert set(SUMMARIES) <= set(OF_CLAIMS)
