"""Every loader by its name: importing a loader's module registers it."""

from lethe.sources.loaders import (  # noqa: F401
    alpaca,
    aspect_sentiment,
    eli5,
    empathetic_dialogues,
    esnli,
    generic,
    gigaword,
    labelled,
    text_lines,
    wiki_auto,
)
from lethe.sources.loaders.registry import LOADERS, Loader

__all__ = ["LOADERS", "Loader"]
