"""Objects in the JSON files of a package, and the texts in them."""

from pathlib import Path
from typing import Any

from lethe.artefacts import strict_json
from lethe.errors import shown
from lethe.sources.real.packages import Part


def read_object(part: Part, path: Path) -> dict[str, Any]:
    """The object of a JSON file.

    Raises:
        UserError: it is no such file.
    """
    text = part.text(path)
    try:
        value = strict_json.loads(text)
    except ValueError as error:
        found = f"another text ({error})" if text.strip() else "an empty file"
        raise part.wrong(path, "JSON", found) from None
    if not isinstance(value, dict):
        raise part.wrong(path, "an object of JSON", (value,))
    return value


def text_at(part: Part, path: Path, value: Any, *keys: str) -> str:
    """A text in a JSON value, where a key leads to the next; "" if a key is not there.

    Raises:
        UserError: something else is where an object or the text should be.
    """
    for depth, key in enumerate(keys):
        if not isinstance(value, dict):
            place = " > ".join(keys[:depth])
            raise part.wrong(path, f"an object under {shown(place)}", (value,))
        if key not in value:
            return ""
        value = value[key]
    if not isinstance(value, str):
        raise part.wrong(path, f"a text under {shown(' > '.join(keys))}", (value,))
    return value
