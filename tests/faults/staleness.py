"""A finished study that is changed, and in which each rule then fails once."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from killing import NANO, Run

STEPS = ("data", "base", "stage", "probe", "collect", "summarize", "table,figure,claims")
"""Rules in the order in which they run; those that run beside each other fail together."""
FAULTS = {
    "killed before it writes": "open:1",
    "killed after its manifest": "published:1",
    "out of memory": "open:1:memory",
    "disk full": "open:1:disk",
}


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def task_added(folder: Path) -> None:
    known = "        read_middle: {axis: reading, metric: acc, chance: 0.25}\n"
    new = "        read_high: {axis: reading, metric: acc, chance: 0.25}\n"
    edit(folder / NANO, known, known + new)


def code_changed(folder: Path) -> None:
    """Another order of the examples in every stage: all numbers after stage 0 are others."""
    stage = folder / "workflow" / "lethe" / "training" / "stage.py"
    edit(stage, '        seed=spec["train_seed"],\n', '        seed=spec["train_seed"] + 1,\n')


def manifests_truncated(folder: Path) -> None:
    """Half of a manifest of every kind is lost, that of a middle node."""
    for pattern in ("data/*/data.json", "bases/*/base.json", "stages/*/stage.json"):
        _halve(sorted((folder / "results").glob(pattern))[0])
    for pattern in ("scores/*/probe.json", "studies/*/collect.json", "studies/*/tables/*.json"):
        _halve(sorted((folder / "results").glob(pattern))[-1])


def numbers_altered(folder: Path) -> None:
    """One digit of a score, of the long tables and of the metrics; half of the stages' table."""
    study = next((folder / "results").glob("studies/*/"))
    probe = sorted((folder / "results").glob("scores/*/results.json"))[0]
    for path in (probe, study / "scores.csv", study / "metrics.csv"):
        text = path.read_text()
        found = list(re.finditer(r"0\.(\d)", text))[-1]
        other = str((int(found[1]) + 1) % 10)
        path.write_text(text[: found.start(1)] + other + text[found.end(1) :])
    lines = (study / "stages.csv").read_text().splitlines(keepends=True)
    (study / "stages.csv").write_text("".join(lines[: len(lines) // 2]))


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@dataclass(frozen=True)
class Change:
    """What is done to a finished study, and the first rule that runs again after it."""

    make: Callable[[Path], None]
    first: str
    new_numbers: bool


CHANGES = {
    "task added": Change(task_added, "probe", new_numbers=True),
    "code changed": Change(code_changed, "stage", new_numbers=True),
    "manifests truncated": Change(manifests_truncated, "data", new_numbers=False),
    "numbers altered": Change(numbers_altered, "probe", new_numbers=False),
}


def small_study(folder: Path) -> Run:
    """The reduced study with one table and one figure."""
    run = Run(folder)
    edit(folder / NANO, "tables: [fg, learning, matrix, bases, items, calibration]", "tables: [fg]")
    edit(
        folder / NANO,
        "figures: [evolution, fg, learning_forgetting, matrix, items]",
        "figures: [fg]",
    )
    return run


def copy_of(run: Run, folder: Path) -> Run:
    """A finished study in another folder, with Snakemake's own records."""
    shutil.copytree(run.folder, folder, symlinks=True)
    return Run(folder, study=run.study)


def outcome_of_undisturbed(finished: Run, change: Change, folder: Path) -> dict[str, str]:
    """The outcome of the changed study where nothing fails, made from its data and bases on."""
    if not change.new_numbers:
        return finished.outcome()
    run = copy_of(finished, folder)
    for part in ("studies", "stages", "scores"):
        shutil.rmtree(folder / "results" / part)
    change.make(folder)
    assert run.finish() == 0, run.log()
    return run.outcome()


def fail_each_rule_once(run: Run, change: Change, faults: list[str]) -> None:
    """Change a study, run it once for each step with a fault in it, and then to its end."""
    change.make(run.folder)
    for rules, fault in zip(STEPS[STEPS.index(change.first) :], faults, strict=False):
        assert fail_once(run, rules, fault) != 0, f"{rules} did not run:\n{run.log()[-3000:]}"
    assert run.finish() == 0, run.log()


def fail_once(run: Run, rules: str, fault: str) -> int:
    """Run the study with a fault in every job of some rules; the status of the run."""
    environment = {**os.environ, "LETHE_FAULT": f"{rules}/{FAULTS[fault]}"}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", NANO]
    with open(run.folder / "driver.log", "ab") as log:
        return subprocess.run(
            command, cwd=run.folder, env=environment, stdout=log, stderr=log
        ).returncode
