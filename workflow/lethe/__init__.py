"""Lethe: how language models forget when they are trained on one thing after another.

`lethe.load_study("results/studies/mini")` gives the results of a study as data frames.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lethe.results import load_study

__version__ = "0.1.0"
__all__ = ["__version__", "load_study"]


def __getattr__(name: str) -> object:
    """`load_study`, imported when it is asked for: a job must start without pandas."""
    if name == "load_study":
        from lethe.results import load_study

        return load_study
    raise AttributeError(f"module 'lethe' has no attribute {name!r}")
