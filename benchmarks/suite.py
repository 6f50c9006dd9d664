"""The benchmarks, one after the other: `python benchmarks/suite.py [NAMES] [--device cuda]`.

Each runs as a process of its own in a temporary folder, and what it prints becomes a section of
RESULTS.md (`--out`), with date, hardware, versions and command. A section replaces the one of the
same benchmark and device; whatever else stands in the file stays. A benchmark that cannot run here
has a row that says why, unless its section is there from another machine; one that fails says so,
and the suite goes on and ends with status 1. `--list` says what there is.

Not here are `learned.py`, `update_ratio.py`, `where_drift_sits.py` and `where_knowledge_sits.py`,
which measure no speed, `checkpoint_scores.py`, `real_training.py` and `real_scoring.py`, which ask
for the results of a study, and `long_tables.py`, which writes a gigabyte.
"""

import argparse
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import gpu, hardware, text_of, versions

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "RESULTS.md"
HEAD = "# Measured times"
DEVICES = ("cpu", "cuda")
MODELS = ("torch", "transformers", "lm_eval")


@dataclass(frozen=True)
class Benchmark:
    """A script beside this file, and the arguments with which the suite calls it.

    cpu, cuda: the arguments on that device; None: it does not run there. minutes: about how long it
    takes on two idle cores or one large GPU, a guess to plan with. needs: modules without which it
    cannot run.
    """

    name: str
    script: str
    measures: str
    minutes: int
    cpu: str | None = ""
    cuda: str | None = None
    needs: tuple[str, ...] = MODELS

    def arguments(self, device: str) -> str | None:
        return self.cuda if device == "cuda" else self.cpu


BENCHMARKS = (
    Benchmark("training", "training.py", "training beside HF Trainer", 30, cuda="--device cuda"),
    Benchmark("scoring", "scoring.py", "scoring beside lm-eval's HFLM", 60, cuda="--device cuda"),
    Benchmark(
        "parametrisations",
        "parametrisations.py",
        "LoRA and frozen parts beside training all weights",
        2,
        cuda="--device cuda",
        needs=(*MODELS, "peft"),
    ),
    Benchmark(
        "methods",
        "methods.py",
        "every method and parametrisation beside plain training",
        8,
        needs=(*MODELS, "peft"),
    ),
    Benchmark(
        "das-step",
        "das_step.py",
        "a step of DAS beside a plain step",
        10,
        cpu="--shape small --repeats 8",
        cuda="--shape roberta-base --device cuda",
    ),
    Benchmark("job-start", "job_start.py", "a job before it works", 3, needs=(*MODELS, "psutil")),
    Benchmark(
        "snakemake-overhead",
        "snakemake_overhead.py",
        "planning, dry run and empty jobs",
        20,
        cpu="--jobs 100 1000 10000",
        needs=("snakemake",),
    ),
    Benchmark(
        "default-study",
        "default_study.py",
        "the default study, taken apart",
        8,
        needs=(*MODELS, "snakemake"),
    ),
)


def obstacle(benchmark: Benchmark, device: str) -> str | None:
    """Why a benchmark cannot run here, or None."""
    if benchmark.arguments(device) is None:
        return f"it does not measure {device}"
    missing = [name for name in benchmark.needs if importlib.util.find_spec(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if device == "cuda" and gpu() is None:
        return "torch finds no GPU"
    return None


def run(benchmark: Benchmark, device: str, folder: Path) -> tuple[str, bool]:
    """The section's text, and whether the benchmark went well."""
    arguments = benchmark.arguments(device)
    command = ["python", f"benchmarks/{benchmark.script}", *shlex.split(arguments)]
    head = f"{hardware(device)}; {versions()}.\n`{shlex.join(command)}`, "
    paths = [str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    call = [sys.executable, str(folder / benchmark.script), *shlex.split(arguments)]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(call, cwd=scratch, env=environment, capture_output=True, text=True)
    head += f"{(time.monotonic() - begun) / 60:.1f} minutes\n\n"
    if done.returncode == 0:
        return head + done.stdout.strip(), True
    last = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()[-1]
    failed = row(benchmark, f"failed with status {done.returncode}: {last}")
    return head + "\n\n".join(filter(None, [done.stdout.strip(), failed])), False


def row(benchmark: Benchmark, words: str) -> str:
    """A table of one row, for a benchmark without numbers."""
    cell = words.replace("|", "\\|")
    return f"| benchmark | outcome |\n|---|---|\n| {benchmark.name} | {cell} |"


def section(text: str, key: str) -> re.Match | None:
    """Where the section of a benchmark and device stands in a file of measurements."""
    return re.search(rf"^## {re.escape(key)} \(.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)


def put(path: Path, key: str, written: str) -> None:
    """Write a section in the place of the one that was there, or at the end; all else stays."""
    text, written = text_of(path) or f"{HEAD}\n", f"## {written}\n"
    if found := section(text, key):
        before, after = text[: found.start()], text[found.end() :]
        path.write_text(before + written + ("\n" + after if after else ""))
    else:
        path.write_text(f"{text.rstrip()}\n\n{written}")


def run_all(chosen: list[Benchmark], device: str, out: Path, folder: Path) -> list[str]:
    """Run benchmarks, writing each section as soon as it is there; names of those that failed."""
    failed = []
    for benchmark in chosen:
        key = f"{benchmark.name}, {device}"
        heading = f"{key} ({time.strftime('%Y-%m-%d')})"
        reason = obstacle(benchmark, device)
        print(f"{key}: {reason or f'about {benchmark.minutes} minutes'}", flush=True)
        if not reason:
            text, well = run(benchmark, device, folder)
            put(out, key, f"{heading}\n\n{text}")
            failed += [] if well else [benchmark.name]
        elif section(text_of(out), key) is None:
            # A measurement of a machine that could is worth more than the reason.
            put(out, key, f"{heading}\n\n{row(benchmark, f'not run: {reason}')}")
    return failed


def choose(names: list[str], device: str, known: tuple[Benchmark, ...]) -> list[Benchmark]:
    """Benchmarks by name, or all that suit the device.

    Raises:
        SystemExit: there is none of a name.
    """
    by_name = {benchmark.name: benchmark for benchmark in known}
    for name in names:
        if name not in by_name:
            raise SystemExit(f"There is no benchmark {name!r}; there are {', '.join(by_name)}.")
    suited = [b for b in known if b.arguments(device) is not None]
    return [by_name[name] for name in names] or suited


def main(
    arguments: list[str] | None = None,
    known: tuple[Benchmark, ...] = BENCHMARKS,
    folder: Path = ROOT / "benchmarks",
) -> int:
    """Status 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="all that suit the device if left out")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--list", action="store_true", help="list the benchmarks and run none")
    given = parser.parse_args(arguments)
    chosen = choose(given.names, given.device, known)
    if given.list:
        for b in chosen if given.names else known:
            on = " ".join(device for device in DEVICES if b.arguments(device) is not None)
            print(f"{b.name:<20} {on:<9} {b.minutes:>3} min  {b.measures}")
            for device in on.split():
                print(f"    python benchmarks/{b.script} {b.arguments(device)}".rstrip())
        return 0
    failed = run_all(chosen, given.device, given.out, folder)
    if failed:
        print(f"failed: {', '.join(failed)} (see {given.out})", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
