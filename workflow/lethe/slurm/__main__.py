"""`python -m lethe.slurm FOLDER NOTICES COMMAND ...`: stands in for a command of SLURM in a run."""

import signal
import sys
from pathlib import Path

from lethe.errors import UserError
from lethe.jobs.announced import end_with_driver
from lethe.slurm.desk import Desk
from lethe.slurm.states import answer_state_query, is_state_query
from lethe.slurm.submission import submit


def main(arguments: list[str]) -> int:
    folder, notices, command, *rest = arguments
    # A stand-in that outlived its run would still submit what nobody waits for.
    end_with_driver()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return answer(Desk(Path(folder), notices), command, rest)
    except UserError as error:
        print(f"lethe: {error}", file=sys.stderr)
        return 2


def answer(desk: Desk, command: str, rest: list[str]) -> int:
    """Do what the command would do; return its exit status."""
    if command in ("squeue", "sacct") and is_state_query(rest):
        return answer_state_query(desk, rest)
    if command == "sbatch":
        return submit(desk, rest)
    return desk.pass_on(command, rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
