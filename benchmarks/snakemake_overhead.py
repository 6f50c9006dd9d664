"""What the workflow itself costs: `python benchmarks/snakemake_overhead.py --jobs 100 1000`.

A study of so many jobs, or up to nine more, in a temporary folder: the project's own Snakefile,
rules, planner and profile, with the chain of the default study's smallest model (five stages, each
probed) for as many training seeds as it takes. Its jobs do nothing: in a copy of the workflow,
`python -m lethe` only makes the files that the rule declares.

Measured are wall and processor seconds of a command with all its processes, median and range over
`--repeats`:

- plan: `lethe plan`, the real one.
- dry run: `snakemake --dry-run` in an empty folder; every job would run.
- run: `snakemake --cores 2`, the shells and Python processes of the empty jobs among it. Only up to
  `--run-up-to` jobs. Of larger studies the files are made here, and `snakemake --touch` records
  them, which is not measured.
- nothing to do: `snakemake --cores 2` after that.

Milliseconds a job are processor time. Prints a Markdown table.
"""

import argparse
import contextlib
import math
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from lethe.artefacts.paths import node_manifest, study_directory
from lethe.config.reading import DEFAULT, merge, read_yaml
from lethe.planning.workflow import read_workflow

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "config", "profiles", "envs")
A_SEED, ONCE = 10, 7  # jobs: five stages and their probes; data, base, its probe, tables, all
STAND_IN = '''"""Stands in for every job: makes the files that its rule declares, empty."""

import sys
from pathlib import Path

from lethe.artefacts.paths import MANIFEST, node_manifest

verb, *rest = sys.argv[1:]
options = dict(zip(rest, rest[1:]))
if verb in MANIFEST:
    files = [node_manifest(options["--results"], verb, rest[0])]
elif verb == "table":
    files = [Path(options["--out"]) / (rest[0] + end) for end in (".csv", ".md", ".tex")]
else:
    files = [Path(options[o]) for o in ("--scores", "--stages", "--out") if o in options]
    files = files[-1:] if verb == "summarize" else files
for file in files:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
'''


def overlay(jobs: int) -> dict:
    """The study of so many jobs or a few more."""
    return {
        "study": "overhead",
        "models": ["xs"],
        "orders": ["forward"],
        "also": [],
        "tables": ["fg"],
        "figures": [],
        "claims": [],
        "seeds": {"train": list(range(max(1, math.ceil((jobs - ONCE) / A_SEED))))},
    }


def lay_out(folder: Path, jobs: int) -> None:
    """A copy of the workflow whose jobs do nothing, and its study."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)
    (folder / "workflow" / "lethe" / "__main__.py").write_text(STAND_IN)
    (folder / "study.yaml").write_text(yaml.safe_dump(overlay(jobs)))


def measured(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Wall and processor seconds of a command, and what it printed.

    Raises:
        SystemExit: it failed.
    """
    environment = {**os.environ, "LETHE_FORKSERVER": "0", "PYTHONPATH": str(ROOT / "workflow")}
    before, begun = processor_seconds(), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    wall = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-3000:]}")
    return wall, processor_seconds() - before, done.stdout


def processor_seconds() -> float:
    """Of all processes that this one has started and that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_everything(folder: Path) -> None:
    """Every file of the study, empty, in place of a run."""
    with contextlib.chdir(folder):
        study = merge(read_yaml(DEFAULT), read_yaml(folder / "study.yaml"))
        wf = read_workflow(study)
        files = [node_manifest(wf.study.output, n.kind, n.id) for n in wf.plan.nodes.values()]
        tables = study_directory(wf.study.output, wf.study.study)
        files += [tables / name for name in ("scores.csv", "stages.csv")]
        for file in [*files, *map(Path, wf.targets())]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()


def one_round(jobs: int, runs: bool) -> tuple[int, dict[str, tuple[float, float]]]:
    """The number of jobs, and wall and processor seconds of everything, in a folder of its own."""
    snakemake = [sys.executable, "-m", "snakemake", "--configfile", "study.yaml", "--cores", "2"]
    plan = [sys.executable, "-m", "lethe", "plan", "--configfile", "study.yaml"]
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, jobs)
        found["`lethe plan`"] = measured(plan, folder)
        found["dry run"] = measured([*snakemake, "--dry-run"], folder)
        total = int(re.search(r"^total +(\d+)", found["dry run"][2], re.MULTILINE)[1])
        if runs:
            found["run of empty jobs"] = measured(snakemake, folder)
        else:
            make_everything(folder)
            measured([*snakemake, "--touch"], folder)
        found["nothing to do"] = measured(snakemake, folder)
    if "Nothing to be done" not in found["nothing to do"][2]:
        raise SystemExit(f"there was something to do: {found['nothing to do'][2][-2000:]}")
    return total, {name: values[:2] for name, values in found.items()}


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", nargs="+", type=int, default=[100, 1000, 10000])
    parser.add_argument("--run-up-to", type=int, default=10000, help="jobs; larger are not run")
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    print("| jobs | what | wall seconds (range) | processor seconds (range) | ms a job | n |")
    print("|---|---|---|---|---|---|")
    for jobs in arguments.jobs:
        runs = jobs <= arguments.run_up_to
        rounds = [one_round(jobs, runs) for _ in range(arguments.repeats)]
        total = rounds[0][0]
        for what in rounds[0][1]:
            wall, processor = zip(*(found[what] for _, found in rounds), strict=True)
            each = 1000 * statistics.median(processor) / total
            print(
                f"| {total:,} | {what} | {spread(wall)} | {spread(processor)} | {each:.1f} "
                f"| {len(rounds)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
