"""Whether the data of an evaluation task are on this machine; nothing heavy is imported here."""

import os
import re
from functools import lru_cache
from pathlib import Path

LOCAL = ("json", "csv", "parquet", "text", "arrow")
"""Names of readers of local files, where other tasks name a data set."""


def is_cached(dataset: str) -> bool:
    """Whether a cache of `datasets` or of the hub may hold a data set, or it is a folder."""
    hub = Path(os.environ.get("HF_HUB_CACHE") or _home() / "hub").expanduser()
    wanted = _letters(dataset)
    names = [*_names(hub), *_names(_prepared())]
    return os.path.exists(dataset) or any(wanted in name for name in names)


def is_prepared(dataset: str) -> bool:
    """Whether the cache of `datasets` holds a data set under its own name."""
    return _letters(dataset) in _names(_prepared())


def _prepared() -> Path:
    return Path(os.environ.get("HF_DATASETS_CACHE") or _home() / "datasets").expanduser()


def _home() -> Path:
    return Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()


def _names(folder: Path) -> list[str]:
    """Letters and digits of the names in a folder: each cache spells data sets in its own way."""
    return _names_at(folder, folder.stat().st_mtime_ns) if folder.is_dir() else []


@lru_cache(maxsize=8)
def _names_at(folder: Path, _changed: int) -> list[str]:
    return [_letters(name) for name in os.listdir(folder) if not name.endswith(".lock")]


def _letters(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())
