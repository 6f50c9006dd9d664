"""What libraries raise over a broken checkpoint, as a sentence."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lethe.errors import UserError


@contextmanager
def refused_as_sentence(what: str, advice: str = "") -> Iterator[None]:
    """Turns whatever a library raises while it reads a checkpoint into a UserError.

    What is read comes from anywhere, and the libraries raise every kind of error for it; Rust's
    panics, which `tokenizers` lets through, are not even an `Exception`. Their warnings are
    silenced: the sentence says what matters of them.
    """
    log = logging.getLogger("transformers")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UserError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        end = f"; {advice}" if advice else ""
        raise UserError(f"{what} ({_reason(error)}){end}.") from None
    finally:
        log.setLevel(level)


def _reason(error: BaseException) -> str:
    """The first line of an error's message; also the second if the first only announces it."""
    if isinstance(error, KeyError):
        return f"there is no {error}"
    lines = str(error).strip().splitlines()
    words = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1]).removesuffix(".")
    return words if " " in words else f"{type(error).__name__} {words}".strip()
