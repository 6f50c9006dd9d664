"""Files of a user's own as sources of a study: which loader reads each, and its columns."""

from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.sources.broken_files import refuse_broken
from lethe.sources.reading import FORMATS, PLAIN_TEXT, read_raw

ENDINGS = (*FORMATS, PLAIN_TEXT)
"""Of files that can be taught."""
TAKEN_AS = {
    "prompt": ("prompt", "question", "query", "instruction", "input"),
    "response": ("response", "answer", "output", "completion", "reply"),
}
"""Names of columns that say what they hold; where two of a row fit, none is chosen."""


def is_teachable(text: str) -> bool:
    """Whether a name is one of a file of examples or texts."""
    return Path(text).suffix in ENDINGS


def source_of(text: str) -> tuple[dict[str, Any], bool]:
    """The source of a file that is there, and whether it holds texts, not prompts and responses.

    A file `X_test` beside an `X_train` is its test split.

    Raises:
        UserError: the file is of no known format, has no rows, or has columns of other names.
    """
    path = Path(text).expanduser()
    files = {"train": text}
    test = path.with_name(path.name.replace("train", "test"))
    if test != path and test.is_file():
        files["test"] = text[: -len(path.name)] + test.name
    if path.suffix == PLAIN_TEXT:
        refuse_broken(path, "--train")
        # Nothing here asks for a dev split, which the loader else takes from what is taught.
        every_line = {"dev_percent": 0}
        made = {"kind": "files", "loader": "text_lines", "files": files, "parameters": every_line}
        return made, True
    columns = _columns(path)
    made = {"kind": "files", "loader": "generic", "files": files}
    renamed = {name: column for name, column in columns.items() if name != column}
    return made | ({"parameters": {"columns": renamed}} if renamed else {}), "text" in columns


def _columns(path: Path) -> dict[str, str]:
    """The file's columns, by the names that the loader `generic` has for them."""
    row = next(read_raw([path], "--train"), None)
    if row is None:
        raise UserError(f"--train: {path} has no rows.")
    if {"prompt", "response"} <= row.keys():
        return {"prompt": "prompt", "response": "response"}
    if "text" in row:
        return {"text": "text"}
    fitting = {
        name: [column for column in row if str(column).strip().lower() in words]
        for name, words in TAKEN_AS.items()
    }
    if all(len(columns) == 1 for columns in fitting.values()):
        return {name: columns[0] for name, columns in fitting.items()}
    raise UserError(
        f"--train: {path}: expected the columns `prompt` and `response`, or `text`, found "
        f"{', '.join(map(str, list(row)[:6])) or 'none'}; rename them there, or map them at the "
        "source in a study: `parameters: {columns: {prompt: NAME, response: NAME}}`."
    )


def renamed_columns(study: dict[str, Any]) -> list[str]:
    """What is to be known of sources whose columns were taken for others, a sentence each."""
    sentences = []
    for source in study["define"].get("sources", {}).values():
        columns = source.get("parameters", {}).get("columns", {})
        taken = " and ".join(f"`{column}` as `{name}`" for name, column in columns.items())
        if taken:
            sentences.append(f"{source['files']['train']}: takes the column {taken}.")
    return sentences
