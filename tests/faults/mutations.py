"""Studies with something wrong in them, drawn from the studies and catalogues of this project."""

import copy
import datetime
import random
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).resolve().parents[2] / "config"
STUDIES = ("config", "test-nano", "test-nano-ke", "luo2023", "mini-ablation-ke")
SELECTED = ("models", "orders", "methods", "probes", "end_tasks", "claims")

NESTED: list = []
for _ in range(40):
    NESTED = [NESTED]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 4, 7, 64,
    1000, 10**6, 10**9, 2**31, 2**63 - 1, 2**63, -(2**70), 10**18, 10**30,
    0.5, -0.5, 1.5, 1e308, 1e-320, float("nan"), float("inf"),
    "", " ", "x", "xs", "null", "1e-3", "1e999", "-", ".", "..", "../../x.jsonl", "/etc/passwd",
    "a/../../b", "~", "a&b", "a&a", "a:0", "simp:0", "simp&simp", "{", "}", "{0}", "{split}",
    "{prompt}", "{prompt!r:>9999999}", "%s", "$HOME", "`id`", "a b", "a\nb", "a\tb", "\x7f",
    "\u2028", "\N{ZERO WIDTH SPACE}", "naïve", "\N{MUSICAL SYMBOL G CLEF}",
    "\N{RIGHT-TO-LEFT OVERRIDE}x",
    "x" * 41, "x" * 300, "x" * 5000, "[", "***", "**/x", "(?<", "<b>", "=1+1",
    [], {}, [[]], [None], [{}], ["x"], ["x", "x"], ["", ""], [1, "a", None], {"x": 1}, {"x": {}},
    {"": None}, {"a b": 1}, {"x" * 300: 1}, {"naïve": []}, ["xs"] * 3000,
    {str(n): n for n in range(3000)}, datetime.date(2024, 1, 2), b"bytes", NESTED,
)  # fmt: skip


def entries() -> dict[str, dict[str, Any]]:
    """The catalogue: entries by kind and name."""
    files = sorted((CONFIG / "catalogue").glob("*.yaml"))
    return {file.stem: yaml.safe_load(file.read_text()) for file in files}


def studies() -> list[dict[str, Any]]:
    """The studies from which mutations start."""
    return [yaml.safe_load((CONFIG / f"{name}.yaml").read_text()) for name in STUDIES]


class Mutations:
    """Draws studies, each a function of its number."""

    def __init__(self) -> None:
        self.catalogue, self.studies = entries(), studies()

    def text(self, number: int) -> str:
        """A study with one to three things wrong, as YAML."""
        draw = random.Random(number)
        study = copy.deepcopy(draw.choice(self.studies))
        for _ in range(draw.randint(0, 2)):
            self._define(study, draw)
        for _ in range(draw.choice((1, 1, 2))):
            mutate(study, draw)
        text = yaml.safe_dump(study, allow_unicode=draw.random() < 0.5, sort_keys=False)
        return damaged(text, draw) if draw.random() < 0.15 else text

    def _define(self, study: dict, draw: random.Random) -> None:
        """Give the study a copy of an entry, and select it where a study can."""
        kind = draw.choice(list(self.catalogue))
        name, entry = draw.choice(list(self.catalogue[kind].items()))
        defined = study.setdefault("define", {}).setdefault(kind, {})
        defined["mine"] = copy.deepcopy(entry)
        if kind in SELECTED:
            study[kind] = [*study.get(kind, []), "mine"]


def mutate(study: dict, draw: random.Random) -> None:
    """Change one thing somewhere; most often where the study defines something."""
    within = study.get("define") if draw.random() < 0.7 else None
    places = list(_places(within or study))
    parent, key = draw.choice(places)
    how = draw.choice(("kin", "kin", "kin", "value", "swap", "name", "remove", "again", "nest"))
    if how == "kin":
        # Of the same type, so that it is not refused for its type alone.
        kin = [value for value in VALUES if _type(value) == _type(parent[key])]
        parent[key] = copy.deepcopy(draw.choice(kin or VALUES))
    elif how == "value":
        parent[key] = copy.deepcopy(draw.choice(VALUES))
    elif how == "swap":
        other, name = draw.choice(places)
        parent[key] = copy.deepcopy(other[name])
    elif how == "remove":
        del parent[key]
    elif how == "nest":
        parent[key] = draw.choice(([parent[key]], {"x": parent[key]}, {key: parent[key]}))
    elif isinstance(parent, list):
        parent.insert(0, copy.deepcopy(parent[key]))
    elif how == "again":
        parent[f"{key}2"] = copy.deepcopy(parent[key])
    else:
        place = draw.randrange(len(str(key)) or 1)
        parent[str(key)[:place] + draw.choice("xyz_-é ") + str(key)[place + 1 :]] = parent.pop(key)


def _type(value: Any) -> type:
    return float if type(value) is int else type(value)


def _places(value: Any):
    """(list or mapping, key) of everything inside a value."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list) and len(value[key]) < 100:
            yield from _places(value[key])


def damaged(text: str, draw: random.Random) -> str:
    """A text with a character or line that does not belong there."""
    lines = text.splitlines()
    line = draw.randrange(len(lines))
    how = draw.choice(("insert", "indent", "again", "remove", "cut"))
    if how == "insert":
        place = draw.randrange(len(lines[line]) + 1)
        odd = draw.choice("\t:-#'\"[]{}&*!|>%@`\x00\x1b\ufeff?,")
        lines[line] = lines[line][:place] + odd + lines[line][place:]
    elif how == "indent":
        lines[line] = draw.choice((" ", "   ", "\t")) + lines[line]
    elif how == "again":
        lines.insert(line, lines[line])
    elif how == "remove":
        del lines[line]
    else:
        return text[: draw.randrange(len(text))]
    return "\n".join(lines) + "\n"
