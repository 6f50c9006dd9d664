"""What was run, and how to run it again: words and lists for the head and the foot of a report."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import yaml

from lethe.config.reading import DEFAULT
from lethe.longtables.made_by import COMMIT
from lethe.longtables.rows import mixtures
from lethe.longtables.run import ALONE, method_words
from lethe.longtables.study_folder import text_sha256
from lethe.metrics.shown import CONTROL
from lethe.report.source import Source
from lethe.terminal import duration_words

SEEDS = {"world_seed": "world", "base_seed": "base", "train_seed": "training"}


@dataclass(frozen=True)
class Fact:
    """A line of the head."""

    name: str
    words: str
    is_code: bool = False


def facts(source: Source) -> list[Fact]:
    """Models, methods, orders, seeds, what made them, and the time that it took."""
    scores = source.tables.scores
    found = [
        Fact("Models", ", ".join(models(scores))),
        Fact("Methods", ", ".join(methods(scores))),
        Fact("Orders", "; ".join(orders(scores))),
        Fact("Seeds", seeds(scores)),
        Fact("Checkpoints", f"{scores['node'].nunique()} scored, {scores['probe'].nunique()} sets"),
    ]
    if spent := time_spent(source.tables.stages):
        found.append(Fact("Training", spent))
    if made := _made(source):
        found.append(Fact("Made by", made))
    if line := command(source):
        found.append(Fact("Command", line, is_code=True))
    return [fact for fact in found if fact.words]


def models(scores: pd.DataFrame) -> list[str]:
    """Every model with its number of parameters."""
    rows = scores[["model", "params"]].drop_duplicates("model")
    return [
        f"{row['model']} ({count(row['params'])})" if pd.notna(row["params"]) else row["model"]
        for row in rows.to_dict("records")
    ]


def count(number: float) -> str:
    """A count of parameters: 135 M, 1.1 B, 18 k."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def methods(scores: pd.DataFrame) -> list[str]:
    """Every method, with the parametrisation if not all weights are trained."""
    pairs = scores[["method", "parametrisation"]].drop_duplicates()
    return [method_words(*pair) for pair in pairs.itertuples(index=False, name=None)]


def orders(scores: pd.DataFrame) -> list[str]:
    """Every order with the tasks of its stages; controls and reference chains by name alone."""
    stages = scores.loc[scores["stage_index"] > 0, ["order", "stage_index", "stage_task"]]
    stages = stages.drop_duplicates(["order", "stage_index"]).sort_values("stage_index")
    found = []
    for order in dict.fromkeys(scores["order"]):
        tasks = stages.loc[stages["order"] == order, "stage_task"]
        if order.startswith((CONTROL, ALONE)):
            found.append(order)
        else:
            parts = [part.partition(":")[0] for task in tasks for part in mixtures(task)]
            found.append(f"{order} ({' → '.join(parts)})")
    return found


def seeds(scores: pd.DataFrame) -> str:
    """The seeds of each kind, as a list or a count."""
    parts = []
    for column, words in SEEDS.items():
        known = sorted(scores[column].dropna().unique())
        if known:
            listed = ", ".join(str(int(seed)) for seed in known[:6])
            parts.append(f"{words} {listed}{' …' * (len(known) > 6)}")
    return "; ".join(parts)


def time_spent(stages: pd.DataFrame) -> str:
    """Time in the stages of training, each checkpoint once; bases and scoring are not counted."""
    rows = stages[stages["measure"].isin(["cost.seconds", "cost.cpu_seconds"])]
    rows = rows.drop_duplicates(["node", "measure"])
    if not len(rows):
        return ""
    sums = rows.groupby("measure")["value"].sum()
    count = rows["node"].nunique()
    words = f"{count} stage{'s' * (count != 1)} of chains"
    if "cost.seconds" in sums:
        words += f", {_short_time(sums['cost.seconds'])} by the clock"
    if "cost.cpu_seconds" in sums:
        words += f", {_short_time(sums['cost.cpu_seconds'])} of CPU time"
    devices = ", ".join(dict.fromkeys(rows["device"]))
    devices = devices.replace("cpu", "CPU").replace("cuda", "GPU")
    # `lethe plan` counts those that a stage tunes among the stages, and says so.
    return f"{words}, on the {devices}; bases, tuned ones too, and scoring not counted"


def _short_time(seconds: float) -> str:
    """A duration; with tenths where the tables of costs have them too."""
    return f"{seconds:.1f} s" if seconds < 10 else duration_words(seconds)


def commits(source: Source) -> list[str]:
    """The commits by which stages were trained, `-dirty` where files differed from it."""
    return source.study.record.made_by.get(COMMIT, [])


def _made(source: Source) -> str:
    return f"commit {', '.join(map(_short_commit, found))}" if (found := commits(source)) else ""


def _short_commit(commit: str) -> str:
    name, dash, rest = commit.partition("-")
    return f"{name[:12]}{dash}{rest}"


def command(source: Source) -> str:
    """The command that makes the study in any folder; empty if its settings' file is not known."""
    files = source.files or shipped_files(source.name)
    if files is None:
        return ""
    return shlex.join(["lethe", "run", *files])


def shipped_files(name: str) -> tuple[str, ...] | None:
    """The files over the default ones of a shipped study of this name; None if there is none."""
    for path in sorted(DEFAULT.parent.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("study") == name:
            return () if path == DEFAULT else (f"{path.parent.name}/{path.name}",)
    return None


def digests(source: Source) -> list[tuple[str, str]]:
    """(long table, sha256 of it as CSV) of every long table."""
    study = source.study
    # Those of a kept study were compared with its record when the tables were read.
    sums = {name: study.record.sha256.get(name) for name in study.tables}
    return [(f"{name}.csv", known or text_sha256(study.text(name))) for name, known in sums.items()]


def versions(source: Source) -> str:
    """Versions of what trained and scored the checkpoints."""
    found = {name: known for name, known in source.study.record.made_by.items() if name != COMMIT}
    scored = set(source.tables.scores["lm_eval_version"].dropna()) - {"", "none"}
    if scored:
        found["lm-eval"] = sorted(scored)
    return ", ".join(f"{name} {' and '.join(known)}" for name, known in sorted(found.items()))


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last
