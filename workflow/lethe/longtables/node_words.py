"""Checkpoints by words: `xs/ewc/forward/2@0` is stage 2 of a chain, `xs/base@0` where it starts.

MODEL/METHOD/ORDER/STAGE@SEED. METHOD is `ewc+lora` if not all parameters are trained, and
`ewc+lora+slow` where a study has several recipes. SEED is that of the training; where a study has
several worlds or bases it is `@w204,b1,t0`. No word has `/`, `+`, `@` or `,` in it.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from lethe.artefacts.study_files import read_record
from lethe.errors import UserError, shown
from lethe.longtables.run import Run, run_of

BASE = "base"
USUAL = "full"
"""The parametrisation that is not said."""
SEED = re.compile(r"([wbt]?)(\d+)")
MOST_SHOWN, MOST_NEAR = 4, 3
PATTERN = "MODEL/METHOD/ORDER/STAGE@SEED"


class Words:
    """The words of the chains of some studies, and of their checkpoints: as many as are needed."""

    def __init__(self, runs: Iterable[Run]):
        self.runs = list(runs)
        self._recipes: dict[tuple, set[str]] = {}
        self._seeds: dict[str, tuple[set, set]] = {}
        for run in self.runs:
            self._recipes.setdefault(_but_for_recipe(run), set()).add(run.recipe)
            worlds, bases = self._seeds.setdefault(run.model, (set(), set()))
            worlds.add(run.world_seed)
            bases.add(run.base_seed)

    def method(self, run: Run) -> str:
        """How a chain is trained: `ewc`, `ewc+lora`, `ewc+lora+slow`."""
        parts = [run.method] + [run.parametrisation] * (run.parametrisation != USUAL)
        return "+".join(parts + [run.recipe] * (len(self._recipes[_but_for_recipe(run)]) > 1))

    def chain(self, run: Run) -> str:
        """A chain without a stage: `xs/ewc/forward@0`."""
        return f"{run.model}/{self.method(run)}/{run.order}{self._at(run)}"

    def checkpoint(self, run: Run, index: int) -> str:
        """A stage of a chain, `xs/ewc/forward/2@0`; its base, `xs/base@0`, for index 0."""
        if index == 0:
            return f"{run.model}/{BASE}{self._at(run, of_base=True)}"
        return f"{run.model}/{self.method(run)}/{run.order}/{index}{self._at(run)}"

    def of_nodes(self) -> dict[str, str]:
        """Every checkpoint's words by its id; orders that begin alike share some: the first's."""
        found: dict[str, str] = {}
        for run in self.runs:
            for index, node in enumerate(run.checkpoints):
                found.setdefault(node, self.checkpoint(run, index))
        return found

    def _at(self, run: Run, of_base: bool = False) -> str:
        worlds, bases = self._seeds[run.model]
        own = ("b", run.base_seed) if of_base else ("t", run.train_seed)
        before = [("w", run.world_seed)] * (len(worlds) > 1)
        before += [("b", run.base_seed)] * (len(bases) > 1 and not of_base)
        seeds = [(letter, seed) for letter, seed in [*before, own] if seed is not None]
        if [own] == seeds:
            return f"@{own[1]}"
        return "@" + ",".join(f"{letter}{seed}" for letter, seed in seeds) if seeds else ""


def _but_for_recipe(run: Run) -> tuple:
    seeds = (run.world_seed, run.base_seed, run.train_seed)
    return (run.model, run.method, run.parametrisation, run.order, *seeds)


def recorded_runs(results: Path, study: str | None = None) -> dict[str, list[Run]]:
    """By study, the chains of its newest record in a results folder.

    Raises:
        UserError: there is no record of the study that is named.
    """
    found = {}
    for name, record in _records(results, study):
        # Records of claims have no runs, and those of another version other words.
        with suppress(UserError, KeyError, TypeError):
            found[name] = [run_of(run) for run in record["runs"]]
    return found


def recorded_probes(results: Path, node: str, study: str | None = None) -> list[str]:
    """The ids of the scores that studies have of a checkpoint, by their newest records."""
    records = [record for _, record in _records(results, study)]
    probes = [probe for record in records for probe in record.get("probes", {}).get(node, ())]
    return list(dict.fromkeys(probes))


def _records(results: Path, study: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(Study, its newest record), of one study or of all."""
    newest: dict[str, Path] = {}
    paths = (Path(results) / "specs").glob("study-*.json")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        newest[path.stem.removeprefix("study-").rpartition("-")[0]] = path
    if study is not None and study not in newest:
        raise UserError(f"--study: there is no study {shown(study)} in {results}.")
    for name, path in sorted(newest.items()):
        if study in (None, name):
            with suppress(UserError):
                yield name, read_record(path)


def find_by_words(results: Path, text: str, study: str | None = None) -> str:
    """The id of the checkpoint that the words name; any may be left out that are not needed.

    Args:
        study: only checkpoints of this study.

    Raises:
        UserError: they name none, or several; the message lists them by words.
    """
    by_study = recorded_runs(results, study)
    words = Words(run for runs in by_study.values() for run in runs)
    found = named(words, text)
    if len(found) == 1:
        return next(iter(found))
    if found:
        raise several(text, found, ways_to_one(found, by_study))
    raise no_checkpoint(results, text, words.of_nodes().values())


def no_checkpoint(results: Path, text: str, known: Iterable[str]) -> UserError:
    """The error of a text that names no checkpoint, with the nearest there are, by words."""
    near = difflib.get_close_matches(text, list(dict.fromkeys(known)), n=MOST_NEAR, cutoff=0.0)
    if not near:
        return UserError(
            f"There is no checkpoint {text!r}: {results} has no study yet; run its study first "
            "(`lethe run`), or give the folder of its results with --results."
        )
    return UserError(
        f"There is no checkpoint {text!r} in {results}; did you mean {' or '.join(near)}? "
        f"The form is {PATTERN}, and `lethe status` prints all."
    )


def named(words: Words, text: str) -> dict[str, str]:
    """Words by id of the checkpoints that a text names: if one is named in full, it alone.

    Where a text fits some trained by `full` it means these: another parametrisation is said.
    """
    readings = (_named(words, text, is_meant) for is_meant in (_is_exactly, _fits_usual, _fits))
    return next((found for found in map(dict, readings) if found), {})


def several(text: str, found: dict[str, str], ways: Iterable[str]) -> UserError:
    """The error of a text that names several checkpoints. ways: to name one of them."""
    listed = list(dict.fromkeys(found.values()))
    shown_words = ", ".join(listed[:MOST_SHOWN]) + ", ..." * (len(listed) > MOST_SHOWN)
    all_ways = ["give more of the words"] * (len(listed) > 1) + list(ways)
    return UserError(
        f"{text!r} names {len(found)} checkpoints: {shown_words}; {', or '.join(all_ways)}."
    )


def ways_to_one(found: dict[str, str], by_study: dict[str, list[Run]]) -> Iterator[str]:
    """How else than by more words one of several checkpoints can be named. found: words by id."""
    names = [name for name, runs in by_study.items() if _holds(runs, found)]
    if len(names) > 1:
        yield f"choose with --study ({', '.join(names)})"
    # Two nodes of one study may differ in what is no word, as the values of a method.
    if len(names) < len(found) and len(set(found.values())) == 1:
        yield "name one by its id"


def _holds(runs: list[Run], nodes: dict[str, str]) -> bool:
    return any(node in nodes for run in runs for node in run.checkpoints)


def _named(words: Words, text: str, is_meant) -> Iterator[tuple[str, str]]:
    """(Id, words) of every checkpoint that is meant."""
    path, at, after = text.partition("@")
    parts = path.split("/")
    seeds = [SEED.fullmatch(seed) for seed in after.split(",")] if at else []
    if None in seeds:
        return
    wanted = dict(seed.groups() for seed in seeds if seed)
    for run in words.runs:
        for index, node in enumerate(run.checkpoints):
            own = run.train_seed if index else run.base_seed
            has = {"w": run.world_seed, "b": run.base_seed, "t": run.train_seed, "": own}
            if all(str(has[letter]) == seed for letter, seed in wanted.items()):
                if is_meant(parts, words, run, index):
                    yield node, words.checkpoint(run, index)


def _is_exactly(parts: list[str], words: Words, run: Run, index: int) -> bool:
    return parts == words.checkpoint(run, index).partition("@")[0].split("/")


def _fits(parts: list[str], words: Words, run: Run, index: int) -> bool:
    """Whether the parts are words of the checkpoint in their order, none, some or all left out."""
    methods = {run.method, f"{run.method}+{run.recipe}"} | _parametrised(run)
    places = [{run.model}, methods, {run.order}, {str(index), run.stages[index] or BASE}]
    left = iter(places)
    return all(any(part in place for place in left) for part in parts)


def _fits_usual(parts: list[str], words: Words, run: Run, index: int) -> bool:
    """Whether they fit, and say the parametrisation if it is not the usual one."""
    is_said = run.parametrisation == USUAL or not _parametrised(run).isdisjoint(parts)
    return is_said and _fits(parts, words, run, index)


def _parametrised(run: Run) -> set[str]:
    how = f"{run.method}+{run.parametrisation}"
    return {how, f"{how}+{run.recipe}"}
