"""A task's YAML with what it includes, read without lm-eval, which takes seconds to import."""

from pathlib import Path
from typing import Any

import yaml

from lethe.errors import UserError, one_line

DEEPEST = 20
"""Files that include one another."""


def by_code(*_: Any) -> None:
    """Stands for a function that a YAML names: only Python knows what it does."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads `!function NAME` as `by_code`."""


_Loader.add_constructor("!function", lambda loader, node: by_code)


def read_task_config(path: Path, depth: int = 0) -> dict[str, Any]:
    """The keys of a task's YAML; its own win over those of the files that it includes.

    Raises:
        UserError: the file or one that it includes is missing, or no YAML of keys and values.
            lm-eval leaves such a task out without a word.
    """
    try:
        config = yaml.load(path.read_bytes(), Loader=_Loader)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: is not valid YAML ({one_line(str(error))}).") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: expected keys and values, found {type(config).__name__}.")
    if depth > DEEPEST:
        raise UserError(f"{path}: more than {DEEPEST} files include one another.")
    included = config.pop("include", [])
    merged: dict[str, Any] = {}
    for name in included if isinstance(included, list) else [included]:
        below = path.parent / str(name)
        if not below.is_file():
            raise UserError(f"{path}: it includes {name}, which is not there.")
        # A list of tasks is that of the file it stands in.
        merged |= {k: v for k, v in read_task_config(below, depth + 1).items() if k != "task_list"}
    return merged | config
