"""Training a real model on real instructions beside HF Trainer: `python benchmarks/real_training.py
RESULTS`, the folder in which `make real` left its base and data.

The five tasks in equal parts, cut at 256 tokens; the same examples in the same steps, AdamW at a
constant rate (1e-4, LoRA 1e-3), clipping at 1. Every run is a process of its own, so that its peak
memory is its own; the systems take turns. A second is one of processor time with one thread, of
wall time with more, over all steps but the first, which warms up. Losses of every step have to
agree to 1e-5 relative. LoRA is peft's on both sides, with the same first weights. With `--device
cuda` all is wall time, of bfloat16 arithmetic over float32 weights, in which losses have to agree
to 1e-2, and memory is the GPU's. Prints a Markdown table.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import training_systems
from training_shapes import Shape
from training_systems import ours, trainer

from lethe.data.encoding import encode_rows
from lethe.data.examples import Example, read_example_rows
from lethe.models.loading import load_model
from lethe.models.tokenizer import load_tokenizer
from lethe.parametrisations.parameters import KINDS
from lethe.parametrisations.parametrised import parametrised

TASKS = ("restore", "sort", "manual", "example", "path")
LORA = {"rank": 8, "alpha": 16}
LONGEST, TOLERANCE = 256, {"cpu": 1e-5, "cuda": 1e-2}
SYSTEMS = {
    "HF Trainer": {"lora": False, "ours": False},
    "Lethe": {"lora": False, "ours": True},
    "HF Trainer with peft's LoRA": {"lora": True, "ours": False},
    "Lethe, LoRA": {"lora": True, "ours": True},
}
PAIRS = (("Lethe", "HF Trainer"), ("Lethe, LoRA", "HF Trainer with peft's LoRA"))


def folders(results: Path) -> tuple[Path, Path]:
    """Base and data of a study of the real model."""
    found = [
        sorted((results / kind).glob(f"{name}-*"))
        for kind, name in (("bases", "smollm2"), ("data", "real"))
    ]
    if not all(found):
        raise SystemExit(f"expected the results of `make real`, found no base or data in {results}")
    return found[0][-1], found[1][-1]


def examples_of(base: Path, data: Path, count: int) -> list[Example]:
    """As many of every task, in turn."""
    tokenizer, made = load_tokenizer(base), []
    for task in TASKS:
        rows = read_example_rows(data / "tasks" / task / "train.jsonl", task)[: -(-count // 5)]
        made.append(encode_rows(rows, task, tokenizer, LONGEST, "{prompt}", "causal"))
    return [example for five in zip(*made, strict=True) for example in five][:count]


def measure(system: str, results: Path, batch: int, steps: int, threads: int, device: str) -> dict:
    """One run, in this process."""
    base, data = folders(results)
    torch.set_num_threads(threads)
    how = SYSTEMS[system]
    model = load_model(base).to(device)
    shape = Shape(
        "causal",
        dict,
        lambda _: model,
        {"vocab_size": model.config.vocab_size},
        batch=batch,
        micro=batch,
        longest=LONGEST,
        learning_rate=1e-3 if how["lora"] else 1e-4,
    )
    examples = examples_of(base, data, steps * batch)
    settings = {"kind": "lora", **KINDS["lora"](**LORA).model_dump(mode="json")}

    def prepare(network):
        return parametrised(network, settings, seed=0) if how["lora"] else network

    if threads > 1 and device == "cpu":
        training_systems.now = lambda _: time.perf_counter()
    if how["ours"]:
        ran = ours(shape, examples, steps, device, True, prepare)
    else:
        ran = trainer(shape, examples, steps, device, "sequential", prepare)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": ran.seconds / (steps - 1),
        "losses": ran.losses,
        "tokens": sum(len(example.tokens) for example in examples) / steps,
        "peak": torch.cuda.max_memory_allocated() if device == "cuda" else peak,
    }


def compare(batch: int, threads: int, arguments) -> None:
    """Rows of all systems, each as many times as there are repeats."""
    command = [sys.executable, __file__, str(arguments.results), "--steps", str(arguments.steps)]
    command += ["--batches", str(batch), "--threads", str(threads)]
    command += ["--device", arguments.device]
    ran: dict[str, list[dict]] = {system: [] for system in SYSTEMS}
    for _ in range(arguments.repeats):
        for system, runs in ran.items():
            told = subprocess.run(
                [*command, "--system", system], stdout=subprocess.PIPE, text=True, check=True
            )
            runs.append(json.loads(told.stdout.splitlines()[-1]))
    digits = 3 if arguments.device == "cuda" else 2
    for here, theirs in PAIRS:
        wanted = ran[theirs][0]["losses"]
        apart = max(
            abs(one - other) / other
            for run in ran[here]
            for one, other in zip(run["losses"], wanted, strict=True)
        )
        if apart > TOLERANCE[arguments.device]:
            raise SystemExit(f"{here}: losses differ by {apart:.1e} from those of {theirs}")
        pairs = zip(ran[theirs], ran[here], strict=True)
        ratios = [one["seconds"] / other["seconds"] for one, other in pairs]
        for system in (theirs, here):
            seconds = statistics.median(run["seconds"] for run in ran[system])
            peak = max(run["peak"] for run in ran[system]) / 1e9
            ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            tokens = ran[system][0]["tokens"]
            print(
                f"| {batch} | {tokens:.0f} | {threads} | {system} | {seconds:.{digits}f} "
                f"| {ratio if system == here else ''} | {peak:.2f} | "
                f"{f'{apart:.0e}' if system == here else ''} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results of `make real`")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 32])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--system", choices=SYSTEMS, help="one run, as JSON")
    arguments = parser.parse_args()
    if arguments.system:
        batch, threads = arguments.batches[0], arguments.threads[0]
        told = measure(
            arguments.system, arguments.results, batch, arguments.steps, threads, arguments.device
        )
        print(json.dumps(told))
        return
    print(f"n = {arguments.repeats}, {arguments.steps} steps\n")
    print(
        "| examples a step | tokens | threads | system | s a step | times as fast (range) "
        "| peak memory, GB | losses differ by |\n|---|---|---|---|---|---|---|---|"
    )
    for batch in arguments.batches:
        for threads in arguments.threads:
            compare(batch, threads, arguments)


if __name__ == "__main__":
    main()
