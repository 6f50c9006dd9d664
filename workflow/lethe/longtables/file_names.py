"""The names of a set's files."""

import re


def file_stem(probe: str) -> str:
    """The name of a set's files; what cannot stand in the name of a file is written as %XX."""
    return re.sub(r"[%/\\\x00-\x1f]", lambda found: f"%{ord(found[0]):02X}", probe)
