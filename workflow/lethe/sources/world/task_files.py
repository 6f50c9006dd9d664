"""lm-eval task YAML for the evaluation sets of the world."""

from __future__ import annotations

import yaml

VERSION = 1.0
METRICS = {
    "simp": ("sari", "bleu", "rouge1", "exact_match"),
    "emdg": ("bleu", "rouge1", "exact_match"),
    "inqqg": ("bleu", "rouge1", "exact_match"),
    "exp": ("bleu", "rouge1", "exact_match"),
    "hgen": ("rouge1", "bleu", "constraint", "exact_match"),
}
GENERATION_MODULE = (
    '"""Metrics of the generation tasks, under the names that the YAML files use."""\n'
    "from lethe.evaluation.text_metrics import (  # noqa: F401\n"
    "    corpus_bleu, corpus_sari, process_emdg, process_exp, process_hgen, process_inqqg,\n"
    "    process_simp,\n)\n"
)
BIAS_MODULE = (
    '"""Scoring of minimal pairs, under the name that the YAML file uses."""\n'
    "from lethe.evaluation.bias import process  # noqa: F401\n"
)


class Function(str):
    """A value that YAML writes as `!function module.name`."""


AGGREGATION = {
    "sari": Function("generation.corpus_sari"),
    "bleu": Function("generation.corpus_bleu"),
}
yaml.SafeDumper.add_representer(
    Function, lambda dumper, value: dumper.represent_scalar("!function", str(value))
)


def _common(name: str) -> dict:
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {s: f"data/{name}/{s}.jsonl" for s in ("dev", "test")}},
        "validation_split": "dev",
        "test_split": "test",
    }


def _metrics(*names: str) -> list[dict]:
    return [
        {"metric": n, "aggregation": AGGREGATION.get(n, "mean"), "higher_is_better": True}
        for n in names
    ]


def choice_task(name: str) -> dict:
    """Multiple choice over the columns context, choices, answer."""
    return _common(name) | {
        "output_type": "multiple_choice",
        "doc_to_text": "{{context}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{answer}}",
        "target_delimiter": " ",
        "metric_list": _metrics("acc", "acc_norm"),
        "metadata": {"version": VERSION},
    }


def bias_task(name: str) -> dict:
    """Which of two sentences is likelier, without context."""
    return _common(name) | {
        "output_type": "multiple_choice",
        "doc_to_text": "",
        "doc_to_choice": "{{[sent_more, sent_less]}}",
        "doc_to_target": 0,
        "target_delimiter": "",
        "process_results": Function("bias.process"),
        "metric_list": _metrics("pct_stereotype", "likelihood_diff"),
        "metadata": {"version": VERSION},
    }


def generation_task(task: str) -> dict:
    """Greedy generation from the training prompt."""
    return _common(f"own_{task}") | {
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{response}}",
        "target_delimiter": " ",
        "generation_kwargs": {"do_sample": False, "until": ["</s>"], "max_gen_toks": 28},
        "process_results": Function(f"generation.process_{task}"),
        "metric_list": _metrics(*METRICS[task]),
        "metadata": {"version": VERSION},
    }


def as_yaml(task: dict) -> str:
    """YAML text that lm-eval loads; keys keep their order."""
    return yaml.dump(task, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True)
