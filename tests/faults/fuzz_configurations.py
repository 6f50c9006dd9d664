"""Thousands of wrong studies through `lethe check`; each must be right, or one sentence.

    PYTHONPATH=tests/faults python tests/faults/fuzz_configurations.py --count 5000

Prints every study that ended in anything else, and what most sentences begin with. Ends with 1 if
one did.
"""

import argparse
import contextlib
import io
import resource
import signal
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from mutations import Mutations

from lethe.cli import main as lethe
from lethe.errors import LONGEST

LONGEST_CHECK = 10.0
"""Seconds."""
MOST_MEMORY = 1e6
"""Kilobytes, for all studies together."""


class TooSlow(BaseException):
    """A check that takes longer than `LONGEST_CHECK`."""


def problem_of(file: Path) -> tuple[str, str]:
    """(what is wrong with how `lethe check` ended, or ""; what it said)."""
    said = io.StringIO()
    signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_CHECK)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = lethe(["check", "--configfile", str(file)])
    except TooSlow:
        return f"more than {LONGEST_CHECK} s", traceback.format_exc()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:200], traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    text = said.getvalue()
    if status not in (0, 2):
        return f"exit status {status}", text
    if status == 0:
        return ("a warning" if text else ""), text
    if not text.startswith("lethe: ") or text.count("\n") != 1 or not text.endswith("\n"):
        return "not one line", text
    if len(text) > len("lethe: \n") + LONGEST:
        return f"{len(text)} characters", text
    return "", text


def _too_slow(number, frame):
    raise TooSlow


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=5000, help="studies (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (%(default)s)")
    arguments = parser.parse_args()
    mutations, said, wrong = Mutations(), Counter(), 0
    file = Path(tempfile.mkdtemp(prefix="fuzz-")) / "study.yaml"
    for number in range(arguments.first, arguments.first + arguments.count):
        file.write_text(mutations.text(number), encoding="utf-8")
        problem, text = problem_of(file)
        said["right" if not text else text.replace(str(file), "FILE")[7:60]] += not problem
        if problem:
            wrong += 1
            print(f"--- study {number}: {problem}\n{text[-1500:]}", flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{wrong} of {arguments.count} wrong; {memory / 1000:.0f} MB; right: {said['right']}")
    return 1 if wrong or memory > MOST_MEMORY else 0


if __name__ == "__main__":
    sys.exit(main())
