"""`python -m lethe VERB ...`: through the fork server if one runs, else in this process."""

import sys

# `python -m` would look for every module in the current folder first: it may be a checkpoint's.
if not sys.flags.safe_path:
    del sys.path[0]

from lethe.errors import Stopped  # noqa: E402
from lethe.forkserver.client import run  # noqa: E402

status = run(sys.argv[1:])
if status == Stopped.STATUS:
    from lethe.slurm.own_job import put_back

    put_back()
sys.exit(status)
