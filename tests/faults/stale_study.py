"""Every fault in every rule of a finished study, after every kind of change.

    PYTHONPATH=tests python tests/faults/stale_study.py

Prints a line a case: whether the run that followed gave the tables of an undisturbed one, and
whether one more had nothing to do. Ends with 1 if one did not.
"""

import argparse
import tempfile
from pathlib import Path

from staleness import (
    CHANGES,
    FAULTS,
    STEPS,
    copy_of,
    fail_each_rule_once,
    outcome_of_undisturbed,
    small_study,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--change", nargs="+", choices=CHANGES, default=list(CHANGES))
    chosen = parser.parse_args().change
    folder = Path(tempfile.mkdtemp(prefix="stale-"))
    finished = small_study(folder / "finished")
    if finished.finish() != 0:
        print(finished.log())
        return 1
    failures = 0
    for name in chosen:
        change = CHANGES[name]
        expected = outcome_of_undisturbed(finished, change, folder / f"undisturbed {name}")
        for fault in FAULTS:
            run = copy_of(finished, folder / f"{name}, {fault}")
            try:
                fail_each_rule_once(run, change, [fault] * len(STEPS))
                verdict = "identical" if run.outcome() == expected else "DIFFERENT"
                run.finish()
                if "Nothing to be done" not in run.log()[-2000:]:
                    verdict += ", but NOT FINISHED"
            except AssertionError as error:
                verdict = f"FAILED: {str(error).splitlines()[0]}"
            failures += verdict != "identical"
            rules = " ".join(STEPS[STEPS.index(change.first) :])
            print(f"{name:<20} {fault:<26} {verdict:<12} ({rules})", flush=True)
    print(f"{failures} failures; logs are in {folder}")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
