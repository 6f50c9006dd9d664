"""Where a user's pip looks for packages: its own command says it, whatever file it was set in."""

import ast
import math
import re
import subprocess
import sys

from lethe.errors import UserError, shown
from lethe.sources.packages.asking import Tool, run_tool

SECTIONS = ("global", "download", ":env:")
"""Sections that `pip download` obeys, from the weakest on."""
PIP = Tool(
    name="pip",
    index="your Python index",
    settings="pip config list",
    # After the first line of a traceback comes its end.
    error=re.compile(r"ERROR: (?!Exception:)(.*)"),
    absent=("No matching distribution", "Could not find a version"),
    unreached=("Retrying (", "timed out", "confirming the ssl certificate"),
    full="No space left on device",
)
LONGEST = 86_400.0
"""Seconds that are waited for a byte, at most."""
TRUE = ("1", "true", "yes", "on", "y", "t")
# The only place where pip keeps the address that it uses if none is set.
DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


def run_pip(*arguments: str) -> subprocess.CompletedProcess:
    """Run pip of this Python, which asks nothing and says only what matters."""
    return run_python("-m", "pip", *arguments, "--no-input", "--disable-pip-version-check")


def run_python(*arguments: str) -> subprocess.CompletedProcess:
    """Run this Python; what it says in text."""
    result = run_tool([sys.executable, *arguments])
    if result.returncode and "No module named pip" in result.stderr:
        raise UserError(
            f"{sys.executable} has no pip, with which packages are fetched; install it with "
            "`python -m ensurepip`."
        )
    return result


class PipSettings:
    """The settings that say where packages are looked for."""

    def __init__(self, settings: dict[str, str]):
        self._settings = settings

    def words(self, name: str) -> list[str]:
        """A setting that may hold several values."""
        return self._settings.get(name, "").split()

    def text(self, name: str) -> str:
        return self._settings.get(name, "").strip()

    def seconds(self, name: str, default: float) -> float:
        """A time.

        Raises:
            UserError: it is no number above 0.
        """
        if not (text := self.text(name)):
            return default
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < math.inf:
            raise UserError(
                f"{name} in pip's settings: expected seconds above 0, found {shown(text)}; see "
                f"`{PIP.settings}`."
            )
        return min(seconds, LONGEST)

    def is_set(self, name: str) -> bool:
        return self.text(name).lower() in TRUE

    def indexes(self) -> list[str]:
        """Addresses of the indexes that pip asks, in its order."""
        if self.is_set("no-index"):
            return []
        first = self.text("index-url") or run_python("-c", DEFAULT_INDEX).stdout.strip()
        return [address for address in (first, *self.words("extra-index-url")) if address]


def pip_settings() -> PipSettings:
    """The settings of the user's pip, in its files and in the environment.

    Raises:
        UserError: pip itself cannot read them.
    """
    by_section: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    result = run_pip("config", "list")
    if result.returncode:
        raise UserError(
            f"pip cannot read its own settings: {PIP.reason(result.stdout + result.stderr)}; "
            "correct its file of settings, or the variables PIP_..."
        )
    for line in result.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in by_section:
            by_section[section][name.replace("_", "-")] = _unquoted(value)
    merged: dict[str, str] = {}
    for section in SECTIONS:
        merged |= by_section[section]
    return PipSettings(merged)


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value
