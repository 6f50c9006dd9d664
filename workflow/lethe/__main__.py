"""`python -m lethe VERB ...`: through the fork server where there is one, else in this process."""

import sys

from lethe.forkserver.client import run

sys.exit(run(sys.argv[1:]))
