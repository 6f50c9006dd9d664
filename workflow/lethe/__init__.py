"""Lethe: how language models forget when they are trained on one thing after another.

`lethe.load_study("results/studies/mini")` gives the results of a study as data frames.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lethe.results import load_study

__version__ = "0.1.0"
__all__ = ["__version__", "load_study"]

# Imported when asked for, since a job must start without pandas. The names are looked up here, for
# what this file is seen to import would count as the code of every node.
_LATER = {"load_study": "lethe.results"}


def __getattr__(name: str) -> object:
    """A name of `_LATER`, from its module."""
    if name not in _LATER:
        raise AttributeError(f"module 'lethe' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
