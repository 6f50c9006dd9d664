"""The evaluation task of a prepared source: it tests what was learned on the test split."""

from typing import Any

import yaml

from lethe.sources.loaders.parameters import LOADERS
from lethe.sources.loaders.registry import Loader

VERSION = 1.0
METRICS_MODULE = "lethe.evaluation.text_metrics"
CORPUS = {"sari": "corpus_sari", "bleu": "corpus_bleu"}


class _Function(str):
    """A value that YAML writes as `!function module.name`."""


class _Dumper(yaml.SafeDumper):
    """Writes functions in lm-eval's notation."""


_Dumper.add_representer(
    _Function, lambda dumper, value: dumper.represent_scalar("!function", str(value))
)


def own_task_yaml(loader: Loader, name: str, has_dev: bool) -> str:
    """lm-eval's YAML for greedy generation from the prompts of `test.jsonl` next to `eval/`.

    Test and training prompts are prepared with the same wrapper, so they always agree.
    """
    files = {"dev": "../dev.jsonl"} if has_dev else {}
    task: dict[str, Any] = {
        "task": f"own_{name}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {**files, "test": "../test.jsonl"}},
        "test_split": "test",
    }
    if has_dev:
        task["validation_split"] = "dev"
    task |= {
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "response",
        "target_delimiter": loader.values["delimiter"],
        "generation_kwargs": {
            "do_sample": False,
            "until": [],  # lm-eval adds the tokenizer's own end token
            "max_gen_toks": loader.max_new_tokens,
        },
        "process_results": _Function(f"{METRICS_MODULE}.{loader.process}"),
        "metric_list": [_metric(metric) for metric in LOADERS[loader.name].metrics],
        "metadata": {"version": VERSION},
    }
    return yaml.dump(task, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _metric(name: str) -> dict[str, Any]:
    corpus = CORPUS.get(name)
    aggregation = _Function(f"{METRICS_MODULE}.{corpus}") if corpus else "mean"
    return {"metric": name, "aggregation": aggregation, "higher_is_better": True}
