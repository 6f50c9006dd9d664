"""Lethe: how language models forget when they are trained on one thing after another.

`lethe.load_study("results/studies/mini")` gives the results of a study as data frames.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lethe.results import load_study

__version__ = "0.1.0"
__all__ = ["__version__", "load_study"]


def __getattr__(name: str) -> object:
    """`load_study`, imported when it is asked for: a job must start without pandas.

    By its name as a text, since all that this file imports would count as the code of every node.
    """
    if name == "load_study":
        return importlib.import_module("lethe.results").load_study
    raise AttributeError(f"module 'lethe' has no attribute {name!r}")
