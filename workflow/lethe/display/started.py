"""Snakemake as `lethe run` starts it: `python -m lethe.display.started` and its own arguments.

At its start it names the profile, and says that files of the command line extend the one in the
package. Nobody named either, and no `RunHandler` is in place yet.
"""

import io
import logging
import sys
from contextlib import redirect_stderr

from snakemake import cli
from snakemake.logging import logger

PROFILE = " for setting default command line arguments."
CONFIGURATION = " is extended by additional config specified via the command line."


def main() -> None:
    """Parse what was typed, without the line on the profile, and run."""
    parse = cli.parse_args

    def parsed(argv=None):
        said = io.StringIO()
        try:
            with redirect_stderr(said):
                return parse(argv)
        finally:
            lines = said.getvalue().splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not line.rstrip().endswith(PROFILE))

    cli.parse_args = parsed
    logger.addFilter(is_told)
    cli.main()


def is_told(record: logging.LogRecord) -> bool:
    """Whether a record is none of what `lethe run` leaves out."""
    return not record.getMessage().endswith(CONFIGURATION)


if __name__ == "__main__":
    main()
