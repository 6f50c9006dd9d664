"""Result files in the form that lm-eval 0.4.13 gives them, with scores of one's choice."""

import json
from pathlib import Path
from typing import Any

DATE = "2026-01-02T03-04-05.678901"


def task_entry(name: str, acc: float, stderr: float = 0.1, n: int = 12) -> dict[str, Any]:
    return {
        "name": name,
        "alias": name,
        "sample_len": n,
        "acc,none": acc,
        "acc_stderr,none": stderr,
        "acc_norm,none": acc / 2,
        "acc_norm_stderr,none": "N/A",
    }


def result(scores: dict[str, float], **changes: Any) -> dict[str, Any]:
    """A result with tasks of 12 items; `changes` replace whole keys of the file."""
    names = list(scores)
    raw = {
        "results": {name: task_entry(name, value) for name, value in scores.items()},
        "group_subtasks": {},
        "configs": {name: {"task": name, "metadata": {"version": 1.0}} for name in names},
        "versions": dict.fromkeys(names, 1.0),
        "n-shot": dict.fromkeys(names, 0),
        "higher_is_better": {name: {"acc": True, "acc_norm": True} for name in names},
        "n-samples": {name: {"original": 20, "effective": 12} for name in names},
        "config": {"model": "hf", "model_num_parameters": 1000, "model_dtype": "torch.bfloat16"},
        "lm_eval_version": "0.4.13",
        "task_hashes": {},
    }
    return {**raw, **changes}


def write(folder: Path, raw: dict[str, Any], name: str = f"results_{DATE}.json") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(raw))
    return str(path)


def choice_sample(number: int, right: bool, **doc: Any) -> dict[str, Any]:
    """A logged sample of two choices, of which the first is right."""
    logprobs = (-1.0, -3.0) if right else (-4.0, -3.5)
    return {
        "doc_id": number,
        "doc": {"question": f"question {number}", **doc},
        "target": "0",
        "filtered_resps": [[str(value), "False"] for value in logprobs],
        "filter": "none",
        "metrics": ["acc", "acc_norm"],
        "doc_hash": f"{number:064x}",
        "prompt_hash": "p",
        "target_hash": "t",
        "acc": float(right),
        "acc_norm": float(right),
    }


def write_samples(folder: Path, task: str, samples: list[dict]) -> None:
    text = "".join(json.dumps(sample) + "\n" for sample in samples)
    (folder / f"samples_{task}_{DATE}.jsonl").write_text(text)


def study(stages: list[list[str]], tasks: dict[str, dict], **entry: Any) -> dict[str, Any]:
    """A configuration over the default one, with one chain of result files."""
    names = [None, "simp", "emdg", "exp"]
    listed = [
        {"results": files} | ({"task": names[index]} if index else {})
        for index, files in enumerate(stages)
    ]
    return {
        "study": "elsewhere",
        "models": [],
        "also": [],
        "imports": ["mine"],
        "probes": ["theirs"],
        "define": {
            "imports": {"mine": {"model": "m", "family": "causal", "stages": listed, **entry}},
            "probes": {"theirs": {"tasks": tasks}},
        },
    }
