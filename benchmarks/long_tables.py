"""What `lethe collect` and `lethe summarize` need: `python benchmarks/long_tables.py`.

Writes made-up probe results (multiple choice with four choices; a fifth of the items in clusters of
five) of a chain of checkpoints, and runs the two commands on them. Prints a Markdown table of
CPU seconds and of the highest resident memory. Times of a busy machine say little, so wall
seconds are not shown.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from machine import hardware

from lethe.artefacts.manifests import publish
from lethe.artefacts.nodes import write_results
from lethe.artefacts.paths import node_directory

METRICS = ("acc", "acc_norm")


def items(name: str, count: int, draw: np.random.Generator) -> Iterator[dict]:
    """Made-up items of one evaluation set on one checkpoint, as a probe stores them."""
    logprobs = np.round(draw.normal(-8, 3, (count, 4)), 6).tolist()
    normed = (draw.random(count) < 0.5).tolist()
    for number, choices in enumerate(logprobs):
        right = float(choices[0] == max(choices))
        item = f"{name}-{number:08d}"
        yield {
            "item_id": item,
            "cluster_id": f"{name}-c{number // 5:05d}" if number % 25 < 5 else item,
            "subset": "",
            "correct": right,
            "gold_logprob": choices[0],
            "margin": choices[0] - max(choices[1:]),
            "predicted": str(choices.index(max(choices))),
            "choice_logprobs": choices,
            "metrics": {"acc": right, "acc_norm": float(normed[number])},
        }


def result(name: str, count: int, draw: np.random.Generator) -> dict:
    """The result of one evaluation set on one checkpoint."""
    found = list(items(name, count, draw))
    scores = [
        {
            "subset": "",
            "metric": metric,
            "value": float(np.mean([item["metrics"][metric] for item in found])),
            "stderr": 0.01,
            "n": count,
            "higher_is_better": True,
        }
        for metric in METRICS
    ]
    same = {"version": "1", "task_digest": "0" * 64, "lm_eval_version": "0", "engine": "fast"}
    same |= {"dtype": "float32", "split": "test", "shots": 0, "axis": "knowledge", "chance": 0.25}
    return {"task": name, "n": count, "scores": scores, "items": found, "seconds": 0.0, **same}


def write_study(results: Path, checkpoints: int, sets: int, count: int) -> Path:
    """Probe results of one run, and its record; the path of the record."""
    names = [f"set-{number:03d}" for number in range(sets)]
    nodes = [f"stage-{number:05d}" for number in range(checkpoints)]
    for number, node in enumerate(nodes):
        draw = np.random.default_rng(number)
        folder = node_directory(results, "probe", f"probe-{node}")
        found = write_results(folder, [result(name, count, draw) for name in names])
        tasks = [{"name": name, "metric": METRICS[-1]} for name in names]
        facts = {"spec": {"kind": "probe", "tasks": tasks}, "parameters": 1000}
        publish(folder, "probe.json", facts, found)
    run = {"model": "made-up", "family": "causal", "series": "made-up", "untuned": ""}
    run |= {"world_seed": None, "base_seed": None, "method": "sequential", "method_params": {}}
    run |= {"recipe": "default", "order": "forward", "train_seed": 0, "checkpoints": nodes}
    run |= {"stages": ["", *(f"task-{number}" for number in range(1, checkpoints))]}
    record = {"probes": {node: [f"probe-{node}"] for node in nodes}, "runs": [run], "own": {}}
    path = results / "record.json"
    path.write_text(json.dumps(record))
    return path


def measured(*arguments: str | Path) -> str:
    """A row of the table: CPU seconds and peak memory of one command.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", "lethe", *map(str, arguments)]
    child = os.posix_spawn(sys.executable, command, os.environ)
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    seconds = used.ru_utime + used.ru_stime
    return f"{seconds:.0f} s | {used.ru_maxrss / 1024:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=130)
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--items", type=int, default=1000, help="of one set")
    arguments = parser.parse_args()
    sizes = arguments.checkpoints, arguments.sets, arguments.items
    os.environ |= {"PYTHONPATH": os.pathsep.join(sys.path), "LETHE_FORKSERVER": "0"}
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    print(hardware("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        record = write_study(results, *sizes)
        tables = {name: results / "study" / f"{name}.csv" for name in ("scores", "stages")}
        places = ["--scores", tables["scores"], "--items", results / "study" / "items"]
        out = results / "study" / "metrics.csv"
        print(f"{np.prod(sizes):,} items: processor time, peak memory", flush=True)
        collect = ("collect", record, "--results", results, "--stages", tables["stages"], *places)
        print(f"| collect | {measured(*collect)} |", flush=True)
        print(f"| summarize | {measured('summarize', *places, '--out', out)} |", flush=True)


if __name__ == "__main__":
    main()
