"""A study of one's own to start from, made of `config/examples/start.yaml`, comments included.

What is given are a model and what it is taught; all else is as in that file, or for a model of the
miniature as in the default study.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import PROJECT
from lethe.artefacts.strict_yaml import read_yaml
from lethe.config.inherited import LENGTHS
from lethe.config.own_files import ENDINGS, is_teachable, source_of
from lethe.config.reading import CATALOGUE, DEFAULT
from lethe.errors import UserError, guess, one_line, shown
from lethe.models.kinds import kind_of

START = PROJECT / "config" / "examples" / "start.yaml"
WORLD = "world"
"""The source of the miniature's models and tasks."""
LONGEST = 40
"""Letters of a name."""
COSTS = {
    "general": "HellaSwag, which a run fetches from the hub once, tens of MB; leave it out to stay "
    "offline, or put sets of your own in its place",
    "miniature-general": "13 sets of the model's own world, made here: seconds a checkpoint",
    "real-general": "7 sets of real words and facts, from packages that a run fetches once",
    "learned": "answers to the tests of what is taught, written token by token",
    "held-out": "one pass over texts like those that are taught",
}
"""What it takes to evaluate a probe, by its name."""
BRIEF = "brief"
"""The recipe of a study's own, and the keys that say how long it is."""
OF_DOMAINS = (
    "--model: {} is of the kind that is trained on domains of texts; copy "
    "config/mini-full-ke.yaml, the study of its like, or choose another of `lethe models`."
)
HELD_OUT = "held-out"
"""The probe of texts beside those that are taught."""
OF_TEXTS = {"axis": "prose", "metric": "lm_likelihood", "texts": "{split}.jsonl"}


def miniature(kind: str) -> list[str]:
    """The models, or the tasks with a test of their own, of the miniature's world."""
    entries = read_yaml(CATALOGUE / f"{kind}.yaml")
    of_world = {name: entry for name, entry in entries.items() if entry.get("source") == WORLD}
    return [name for name, entry in of_world.items() if kind == "models" or "own" in entry]


def started(
    name: str,
    model: str,
    taught: list[str],
    family: str | None = None,
    steps: int | None = None,
) -> dict[str, Any]:
    """A study, as plain values in the order in which they are written.

    Args:
        model: a name of the catalogue, OWNER/NAME of the hub, or a folder.
        taught: tasks of the catalogue and files of examples, in order.
        family: of a model that is not in the catalogue; None: what its folder says, or a decoder.
        steps: of a stage; None: as the recipe that fits the model.

    Raises:
        UserError: one of them is none of these, or the model is one that such a study cannot train.
    """
    study = read_yaml(START)
    define = study["define"]
    called, entry = _model(model, family)
    define["models"] = {called: entry} if entry else {}
    sources: dict[str, dict] = {}
    texts: set[str] = set()
    tasks = [_task(text, sources, texts) for text in taught]
    define["sources"] = sources
    tested = [source for source, made in sources.items() if "test" in made["files"]]
    asked = [source for source in tested if source not in texts]
    define["tasks"] = {
        source: {"source": source} | ({"own": f"own_{source}"} if source in asked else {})
        for source in sources
    }
    order = "-".join(tasks)
    is_free = order not in read_yaml(CATALOGUE / "orders.yaml")
    order = order if len(order) <= LONGEST and is_free else "in-order"
    define["orders"] = {order: tasks}
    example = next(iter(define["probes"]["learned"]["tasks"].values()))
    define["probes"]["learned"]["tasks"] = {
        **{f"own_{one}": {**example, "source": one} for one in asked},
        **_tests_of([task for task in tasks if task not in sources]),
    }
    # The texts of a set are read by decoders alone.
    if (read := [one for one in tested if one in texts]) and _is_decoder(called, entry):
        define["probes"][HELD_OUT] = {
            "tasks": {f"text_{one}": {"source": one, **OF_TEXTS} for one in read}
        }
    study |= {"study": name, "models": [called], "orders": [order]}
    _choose_sets(study, called)
    _choose_recipe(study, called, steps)
    study["define"] = {kind: entries for kind, entries in define.items() if entries}
    return study


def _is_decoder(model: str, entry: dict[str, Any] | None) -> bool:
    known = read_yaml(CATALOGUE / "models.yaml")
    found = entry or known[model]
    return known.get(found.get("from"), found).get("family") == "causal"


def _tests_of(tasks: list[str]) -> dict[str, dict[str, Any]]:
    """The catalogue's evaluation sets of what tasks of its own teach, by name."""
    entries, probes = (read_yaml(CATALOGUE / f"{kind}.yaml") for kind in ("tasks", "probes"))
    wanted = {entries[task]["own"] for task in tasks if "own" in entries[task]}
    return {
        name: {"source": probe.get("source"), **entry}
        for probe in probes.values()
        for name, entry in probe["tasks"].items()
        if name in wanted and probe.get("split", "test") == "test"
    }


def _is_miniature(model: str) -> bool:
    entry = read_yaml(CATALOGUE / "models.yaml").get(model, {})
    return model in miniature("models") or entry.get("from") in miniature("models")


def _choose_sets(study: dict[str, Any], model: str) -> None:
    """Set what is evaluated: what a model of its kind may forget, and what it is taught."""
    probes, general = study["define"]["probes"], "general"
    if not probes["learned"]["tasks"]:
        del probes["learned"]
    if _is_miniature(model):
        general, study["limit"] = "miniature-general", None
    elif "package" in read_yaml(CATALOGUE / "models.yaml").get(model, {}):
        general = "real-general"
    if general != "general":
        del probes["general"]
    study["probes"] = list(dict.fromkeys([general, *probes]))


def _choose_recipe(study: dict[str, Any], model: str, steps: int | None) -> None:
    """Set how a stage is trained; with a number of steps it is the usual recipe in all else."""
    own = study["define"]["recipes"]
    values = own.pop(BRIEF)
    if _is_miniature(model):
        study["recipe"] = read_yaml(DEFAULT)["recipe"]
        values = read_yaml(CATALOGUE / "recipes.yaml")[study["recipe"]]
        values |= values.pop("overrides", {}).get(model, {})
    if steps is not None:
        study["recipe"] = BRIEF
        values = {"steps": steps} | {k: v for k, v in values.items() if k not in LENGTHS}
    if study["recipe"] == BRIEF:
        own[BRIEF] = values


def _model(text: str, family: str | None) -> tuple[str, dict[str, Any] | None]:
    """The name of a model, and its entry if it is not in the catalogue."""
    known = read_yaml(CATALOGUE / "models.yaml")
    if text in known:
        if known[text].get("family") == "masked" or known[text].get("source") not in (None, WORLD):
            raise UserError(OF_DOMAINS.format(text))
        return text, None
    name = _free_name(Path(text).expanduser().resolve().name, known)
    folder = Path(text).expanduser()
    if folder.is_dir():
        family = family or _family(folder)
        if family == "masked":
            raise UserError(OF_DOMAINS.format(text))
        return name, {"family": family, "import": text}
    if re.fullmatch(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*", text):
        return name, {"family": family or "causal", "hub": text, "revision": None}
    raise UserError(
        "--model: expected a model of `lethe models`, a name of the hub (OWNER/NAME) or a folder, "
        f"found {shown(text)}{guess(text, known) or '.'}"
    )


def _family(folder: Path) -> str:
    path = folder / "config.json"
    config = read_json(path) if path.is_file() else {}
    return kind_of(config.get("model_type") if isinstance(config, dict) else None).family


def _task(text: str, sources: dict[str, dict], texts: set[str]) -> str:
    """The name of what is taught; a file becomes one of the sources, and of `texts` if it is."""
    known = read_yaml(CATALOGUE / "tasks.yaml")
    path = Path(text).expanduser()
    if text in known and not path.is_file():
        return text
    if not path.is_file():
        if is_teachable(text) or "/" in text:
            raise UserError(f"--train: there is no file {text}.")
        raise UserError(
            f"--train: expected tasks ({', '.join(miniature('tasks'))}) or files of examples "
            f"({', '.join(ENDINGS)}), found {shown(text)}{guess(text, known) or '.'}"
        )
    made, is_text = source_of(text)
    named = [name for name, source in sources.items() if source == made]
    if named:
        return named[0]
    stem = re.sub(r"[_.-]?train[_.-]?", "", path.stem) or path.resolve().parent.name
    catalogue = read_yaml(CATALOGUE / "sources.yaml")
    name = _free_name(stem, {**known, **catalogue, **sources})
    sources[name] = made
    if is_text:
        texts.add(name)
    return name


def _free_name(text: str, taken: Iterable[str]) -> str:
    """A name like the text that a configuration can hold and that is not taken."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).lstrip("_.-")[: LONGEST - 5] or "mine"
    number, free = 2, name if name not in taken else f"my-{name}"
    while free in taken:
        number, free = number + 1, f"{name}-{number}"
    return free


def commented(study: dict[str, Any], head: list[str]) -> str:
    """The study as YAML, every key below the comment that START has above it.

    Args:
        head: lines of the comment at its beginning.
    """
    text = START.read_text(encoding="utf-8")
    above, inside = comments_above(text, ""), comments_above(text, "  ")
    # A name of a file may have a line break, which would end the comment.
    lines = [f"# {one_line(line)}" for line in head] + [""]
    for key, value in study.items():
        lines += above.get(key, [])
        if key == "probes":
            lines += [f"{key}:", *(f"  - {_flow(name)}  # {COSTS[name]}" for name in value)]
        elif key != "define":
            lines.append(f"{key}: {_flow(value)}")
        else:
            lines.append("define:")
            for kind, entries in value.items():
                lines += [*inside.get(kind, []), f"  {kind}:"]
                lines += [f"    {_flow(name)}: {_flow(entry)}" for name, entry in entries.items()]
    return "\n".join(lines) + "\n"


def comments_above(text: str, indent: str) -> dict[str, list[str]]:
    """By key at an indentation, the lines of the comment directly above it."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(f"{indent}#"):
            lines.append(line)
            continue
        if key := re.match(rf"{indent}(\w+):", line):
            found[key[1]] = lines
        lines = []
    return found


class _Plain(yaml.SafeDumper):
    """Writes equal values out, which a reader should not have to look up."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.dump(value, Dumper=_Plain, default_flow_style=True, sort_keys=False, width=10**6)
    return text.removesuffix("...\n").strip()
