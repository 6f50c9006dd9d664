"""Sums whose bits do not depend on where in memory their numbers lie."""

import os


def repeat_sums() -> None:
    """Let equal sums have equal bits, unless `MKL_CBWR` is set. Call it before torch is loaded.

    MKL's sums depend on where in memory a matrix lies, on processors of AMD for one.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO")
