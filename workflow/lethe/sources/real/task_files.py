"""lm-eval task YAML for the evaluation sets and the instruction tasks of the real data."""

from __future__ import annotations

from lethe.sources.world.task_files import AGGREGATION, Function, as_yaml, choice_task

METRICS = {
    "restore": ("sari", "bleu", "rouge1", "exact_match"),
    "sort": ("exact_match", "rouge1", "bleu"),
    "manual": ("bleu", "rouge1", "exact_match"),
    "example": ("constraint", "rouge1", "bleu", "exact_match"),
    "path": ("rouge1", "bleu", "exact_match"),
}
"""Metrics of the instruction tasks, the one by which a task is judged first."""
PROCESS = {"restore": "simp", "example": "hgen"}
"""Whose way of scoring a task has; the others have that of plain texts."""
LONGEST = 48
"""Tokens of an answer."""


def described(sets: list[str]) -> dict[str, str]:
    """Contents of the YAML files by name: of sets of four choices, and of every task."""
    tasks = {name: choice_task(name) for name in sets}
    tasks |= {f"own_{name}": _generation(name) for name in METRICS}
    return {f"eval/{name}.yaml": as_yaml(task) for name, task in tasks.items()}


def _generation(name: str) -> dict:
    """Greedy generation of one line after the prompt that is trained on."""
    of_choices = choice_task(f"own_{name}")
    shared = ("task", "dataset_path", "dataset_kwargs", "validation_split", "test_split")
    metrics = [
        {"metric": metric, "aggregation": AGGREGATION.get(metric, "mean"), "higher_is_better": True}
        for metric in METRICS[name]
    ]
    return {key: of_choices[key] for key in shared} | {
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{response}}",
        "target_delimiter": " ",
        "generation_kwargs": {"do_sample": False, "until": ["\n"], "max_gen_toks": LONGEST},
        "process_results": Function(f"generation.process_{PROCESS.get(name, 'generic')}"),
        "metric_list": metrics,
        "metadata": of_choices["metadata"],
    }


MODULE = (
    '"""Metrics of the generation tasks, under the names that the YAML files use."""\n'
    "from lethe.evaluation.text_metrics import (  # noqa: F401\n"
    "    corpus_bleu, corpus_sari, process_generic, process_hgen, process_simp,\n)\n"
)
