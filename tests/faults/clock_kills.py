"""Kills at random clock times, of studies from the start and of finished ones that were changed.

    PYTHONPATH=tests python tests/faults/clock_kills.py --kills 40
    PYTHONPATH=tests python tests/faults/clock_kills.py --kills 20 --study config/test-nano-ke.yaml

After each kill the study is run again at once. Prints a line a kill: whether that run ended well
and gave the weights and tables of an undisturbed one. Ends with 1 if one did not.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from killing import NANO, Run
from staleness import CHANGES, copy_of

WHAT = ("driver", "everything", "one process")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="draws times and processes")
    parser.add_argument("--study", default=NANO, help="its configuration (%(default)s)")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    finished, expected, seconds = undisturbed(folder, arguments.study)
    failures = 0
    for number in range(arguments.kills):
        start = draw.choice(list(expected))
        place = folder / str(number)
        run = Run(place, study=arguments.study) if start == "nothing" else copy_of(finished, place)
        if start in CHANGES:
            CHANGES[start].make(place)
        what, after = draw.choice(WHAT), draw.uniform(0.5, seconds[start])
        verdict = try_kill(run, what, after, draw, expected[start])
        failures += verdict != "identical"
        print(f"{number:>3}  {start:<20} {what:<12} after {after:5.1f} s  {verdict}", flush=True)
    print(f"{arguments.kills - failures} of {arguments.kills} identical; logs are in {folder}")
    return 1 if failures else 0


def undisturbed(
    folder: Path, study: str
) -> tuple[Run, dict[str, dict[str, str]], dict[str, float]]:
    """A finished run; by what a run starts from, its outcome and how long it takes."""
    finished = Run(folder / "finished", study=study)
    starts = ["nothing", "code changed"] + (["task added"] if study == NANO else [])
    expected, seconds = {}, {}
    for start in starts:
        run = finished
        if start != "nothing":
            run = copy_of(finished, folder / f"undisturbed {start}")
            CHANGES[start].make(run.folder)
        began = time.monotonic()
        assert run.finish() == 0, run.log()
        seconds[start], expected[start] = time.monotonic() - began, run.outcome()
        print(f"undisturbed, from {start}: {seconds[start]:.0f} s", flush=True)
    return finished, expected, seconds


def try_kill(
    run: Run, what: str, after: float, draw: random.Random, expected: dict[str, str]
) -> str:
    """Start, kill after some seconds, run again at once; the verdict."""
    driver = run.start()
    time.sleep(after)
    chosen = {"driver": [driver.pid], "everything": run.processes()}
    for process in chosen.get(what) or draw.sample(run.processes() or [driver.pid], 1):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    driver.wait()
    status = run.finish()
    run.end()
    if status:
        return f"FAILED with {status}, see {run.folder}/driver.log"
    found = run.outcome()
    different = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))
    return f"DIFFERENT: {', '.join(different[:3])}" if different else "identical"


if __name__ == "__main__":
    raise SystemExit(main())
