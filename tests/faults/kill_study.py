"""Ten kills of the reduced study, at moments drawn by a seed.

    PYTHONPATH=tests python tests/faults/kill_study.py

Prints a table: what was killed, where, what was being written, and whether the run that followed
gave the same weights and tables as a run that nobody disturbed. Ends with 1 if one did not.
"""

import argparse
import random
import tempfile
from pathlib import Path

from killing import Kill, Run

POINTS = ("open", "write", "fsync", "rename")
WHAT = ("job", "driver", "both")


def kills(seed: int) -> list[Kill]:
    """Three in training, three while a checkpoint is written, three in a probe, one in the data."""
    draw = random.Random(seed)
    chosen = []
    for index, what in enumerate(WHAT):
        trainer = draw.choice(("base", "stage"))
        fault = f"{trainer}/{draw.choice(POINTS)}:{draw.randint(1, 4)}:stop"
        chosen.append(Kill(f"training ({trainer})", what, fault, 0.01, forked=index != 1))
        trainer = draw.choice(("base", "stage"))
        fault = f"{trainer}/{draw.choice(POINTS)}:{draw.randint(1, 4)}:stop"
        chosen.append(Kill(f"checkpoint ({trainer})", what, fault, forked=index != 2))
        fault = f"probe/{draw.choice(POINTS)}:{draw.randint(1, 5)}:stop"
        chosen.append(Kill("probe", what, fault, forked=index != 0))
    chosen.append(Kill("manifest of a stage", draw.choice(WHAT), "stage/publish:1:stop"))
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="draws the moments (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=arguments.folder, prefix="kills-"))
    undisturbed = Run(folder / "undisturbed")
    if undisturbed.finish() != 0:
        print(undisturbed.log())
        return 1
    expected = undisturbed.outcome()
    print(f"undisturbed: {len(expected)} files of weights, logs and tables to compare")
    line = "{:>2}  {:<20} {:<7} {:<22} {:<6} {:<28} {}"
    print(line.format("", "where", "killed", "fault", "forked", "was being written", "rerun"))
    failures = 0
    for number, kill in enumerate(kills(arguments.seed), start=1):
        verdict, writing = try_kill(Run(folder / str(number), undisturbed.folder), kill, expected)
        failures += verdict != "identical"
        forked = "yes" if kill.forked else "no"
        fault = kill.fault.removesuffix(":stop")
        print(line.format(number, kill.name, kill.what, fault, forked, writing, verdict))
    print(f"{10 - failures} of 10 identical; logs are in {folder}")
    return 1 if failures else 0


def try_kill(run: Run, kill: Kill, expected: dict[str, str]) -> tuple[str, str]:
    """The verdict of one kill, and the files that were being written."""
    try:
        writing = run.interrupt(kill)
        if run.finish(forked=kill.forked) != 0:
            return f"FAILED, see {run.folder}/driver.log", writing
    except AssertionError as error:
        return f"FAILED: {str(error).splitlines()[0]}", "?"
    finally:
        run.end()
    found = run.outcome()
    different = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))
    return (f"DIFFERENT: {', '.join(different[:3])}" if different else "identical"), writing


if __name__ == "__main__":
    raise SystemExit(main())
