"""Pages of HTML out of a template beside the code that fills it; every text is escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lethe.errors import one_line


def environment(folder: Path) -> Environment:
    """Templates of a folder; an unknown name in one is an error, and texts are `clean`."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )


def clean(text: str) -> str:
    """A text of somebody else without characters that turn, hide or move what is around it."""
    return "\n".join(one_line(line) for line in text.split("\n"))
