"""The replay method that the manual shows, installed as a method of the package."""

import re
import sys
from pathlib import Path

import lethe.methods
import lethe.methods.parameters

MANUAL = Path(__file__).parents[2] / "config" / "README.md"
PACKAGES = (lethe.methods, lethe.methods.parameters)


def texts() -> list[str]:
    """The method and its hyper-parameters: the Python blocks of the section `Add a method`."""
    section = MANUAL.read_text().split("\n## Add a method\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == len(PACKAGES)
    return blocks


def install(folder: Path, monkeypatch) -> None:
    """Make `replay` a method, from files in `folder`, until the test ends."""
    for package, text in zip(PACKAGES, texts(), strict=True):
        home = folder / package.__name__
        home.mkdir()
        (home / "replay.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(home)])
        monkeypatch.delitem(sys.modules, f"{package.__name__}.replay", raising=False)
