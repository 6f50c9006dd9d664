"""Where the time of the default study goes: `python benchmarks/default_study.py`.

Runs the study in a fresh copy of the workflow, on two cores, and prints a Markdown table: wall
time, processor time of the whole machine (so run it on an idle one), and its parts from the jobs'
own records. Then the no-op rerun and the rebuild of one figure.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "config", "profiles", "envs")
CLOCK = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Processor seconds that this machine has worked since it started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, interrupt, soft = map(int, fields[:7])
    return (user + nice + system + interrupt + soft) / CLOCK


def timed(command: list[str], folder: Path, environment: dict) -> dict[str, float]:
    """Wall and processor seconds of a command."""
    busy, wall = busy_seconds(), time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return {"wall": time.monotonic() - wall, "processor": busy_seconds() - busy}


def parts(results: Path) -> dict[str, float]:
    """Processor seconds by kind of work, from the records of the jobs."""
    found = {"training bases": 0.0, "training stages": 0.0, "evaluation": 0.0, "rest of jobs": 0.0}
    kinds = [("bases", "training", "training bases"), ("stages", "training", "training stages")]
    for folder, key, name in [*kinds, ("scores", "scoring", "evaluation")]:
        for path in (results / folder).glob("*/*.json"):
            record = json.loads(path.read_text())
            if "cpu_seconds" in record:
                found[name] += record["cpu_seconds"][key]
                found["rest of jobs"] += record["cpu_seconds"]["job"] - record["cpu_seconds"][key]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", help="another study than the default one")
    parser.add_argument("--plain", action="store_true", help="without the fork server")
    arguments = parser.parse_args()
    environment = {**os.environ, "LETHE_FORKSERVER": "0" if arguments.plain else "1"}
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    if arguments.configfile:
        command += ["--configfile", str(Path(arguments.configfile).resolve())]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / part)
        whole = timed(command, folder, environment)
        inside = parts(folder / "results")
        nothing = timed(command, folder, environment)
        figure = folder / "workflow/lethe/figures/evolution.py"
        figure.write_text(figure.read_text() + "\nREBUILT = True\n")
        redrawn = timed(command, folder, environment)
    outside = whole["processor"] - sum(inside.values())
    print(f"fork server {'off' if arguments.plain else 'on'}, n = 1\n")
    print("| what | processor seconds | wall seconds |\n|---|---|---|")
    for name, seconds in inside.items():
        print(f"| {name} | {seconds:.0f} | |")
    print(f"| Snakemake, start-up, tables and figures | {outside:.0f} | |")
    print(f"| **whole study** | **{whole['processor']:.0f}** | **{whole['wall']:.0f}** |")
    for name, took in (("nothing to do", nothing), ("one figure anew", redrawn)):
        print(f"| {name} | {took['processor']:.1f} | {took['wall']:.1f} |")


if __name__ == "__main__":
    main()
