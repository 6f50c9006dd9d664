"""What a job costs before it works: `python benchmarks/job_start.py`.

A process that imports torch, Llama and lm-eval's model class, as a job without the fork server
does, against a job through the fork server that does nothing (`lethe probe --help`: its process,
the fork, the child). Both take turns; processor and wall seconds, median and quartiles over
`--repeats`. A repeat of the second is the mean of `--jobs` jobs, because the system counts a
server's processor time in hundredths. What the server imports for the first job is told apart,
once. Prints a Markdown table. Processor only, Linux only.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from lethe.forkserver.launch import start

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
IMPORTS = (
    "import torch\n"
    "import transformers.models.llama.modeling_llama\n"
    "import lm_eval.models.huggingface\n"
)
PLAIN = [sys.executable, "-c", IMPORTS]
JOB = [sys.executable, "-m", "lethe", "probe", "--help"]


def server_seconds(server: psutil.Process | None) -> float:
    """Processor seconds of the server and of the jobs that it has forked and that have ended."""
    return sum(server.cpu_times()[:4]) if server else 0.0


def measured(command: list[str], times: int, server: psutil.Process | None) -> tuple[float, float]:
    """Processor and wall seconds of a command, the mean of some runs.

    Raises:
        SystemExit: the command failed, or its job started by itself and not by the server.
    """
    spent, served, begun = own_children(), server_seconds(server), time.perf_counter()
    for _ in range(times):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or "starts without it" in done.stderr:
            raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    wall = time.perf_counter() - begun
    processor = own_children() - spent + server_seconds(server) - served
    return processor / times, wall / times


def own_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def middle(values: list[float]) -> str:
    """Median and quartiles."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{median:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10, help="two or more")
    parser.add_argument("--jobs", type=int, default=10, help="jobs of a repeat, fork server")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(WORKFLOW)
    os.environ["LETHE_FORKSERVER"] = "1"
    before = set(psutil.Process().children())
    if start() is None:
        raise SystemExit("the fork server did not start")
    (server,) = set(psutil.Process().children()) - before
    first = measured(JOB, 1, server)
    rows: dict[str, list[tuple[float, float]]] = {"plain": [], "forked": []}
    for repeat in range(arguments.repeats + 1):
        both = measured(PLAIN, 1, None), measured(JOB, arguments.jobs, server)
        if repeat:  # the first of each warms up
            for row, seconds in zip(rows.values(), both, strict=True):
                row.append(seconds)
    report(rows, first)


def report(rows: dict[str, list[tuple[float, float]]], first: tuple[float, float]) -> None:
    words = {
        "plain": "importing torch, Llama and lm-eval's model class in a process",
        "forked": "a job through the fork server (client, fork, child)",
    }
    print("| what | processor seconds (quartiles) | wall seconds (quartiles) | n |")
    print("|---|---|---|---|")
    for name, values in rows.items():
        processor, wall = (middle(list(column)) for column in zip(*values, strict=True))
        print(f"| {words[name]} | {processor} | {wall} | {len(values)} |")
    imports = f"{first[0]:.1f} | {first[1]:.1f}"
    print(f"| the first job, with the fork server's own imports | {imports} | 1 |")
    plain, forked = (statistics.median(cpu for cpu, _ in values) for values in rows.values())
    print(f"\nprocessor seconds, plain over forked: {plain / forked:.0f}")


if __name__ == "__main__":
    main()
