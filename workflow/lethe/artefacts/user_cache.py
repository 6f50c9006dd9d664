"""Small texts that take long to compute, kept between processes in the user's cache folder.

That is $XDG_CACHE_HOME/lethe, if that is a whole path as it should be, else ~/.cache/lethe. It may
be removed at any time, and what cannot be read or written there only costs time.
"""

import os
from collections.abc import Callable
from pathlib import Path

from lethe.artefacts.files import write_atomic
from lethe.errors import UserError


def cached(key: str, make: Callable[[], str], is_whole: Callable[[str], bool]) -> str:
    """The text that `make` computes, read from the cache where it is there and whole.

    key: a digest of everything that the text depends on, code too. is_whole: whether a text that
    was found may be used, for it may have been cut.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        folder = named if named.is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # an account without a home
        return make()
    path = folder / "lethe" / key
    try:
        if is_whole(found := path.read_text(encoding="utf-8")):
            return found
    except (OSError, UnicodeDecodeError):
        pass
    made = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, made)
    except (OSError, UserError):
        pass
    return made
