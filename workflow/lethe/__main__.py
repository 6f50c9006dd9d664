"""`python -m lethe VERB ...`: through the fork server if one runs, else in this process."""

import sys

from lethe.forkserver.client import run

sys.exit(run(sys.argv[1:]))
