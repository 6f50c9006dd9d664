"""The replay method as the manual shows it, and as the package has it."""

import re
from pathlib import Path

import lethe.methods
import lethe.methods.parameters

PAGE = Path(__file__).parents[2] / "docs" / "adding.md"
PACKAGES = (lethe.methods, lethe.methods.parameters)


def shown() -> list[str]:
    """The method and its hyper-parameters: the Python blocks of the section `Add a method`."""
    section = PAGE.read_text().split("\n## Add a method\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def in_use() -> list[str]:
    """The two files that the manual shows."""
    return [Path(package.__file__).with_name("replay.py").read_text() for package in PACKAGES]
