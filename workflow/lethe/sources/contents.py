"""What a source will hold, known before it is made: its files, and its evaluation tasks.

It stands apart from what makes them, which takes seconds to import; tests keep the two in step.
"""

from typing import Any

from lethe.sources.loaders.parameters import LOADERS, PromptParameters, RuledParameters
from lethe.sources.real.task_files import METRICS as REAL_METRICS
from lethe.sources.world.task_files import METRICS as OWN_METRICS

SPLITS = ("train", "dev", "test")
PREPARED = {"train": "train.jsonl", "validation": "dev.jsonl", "test": "test.jsonl"}
"""The file that a loader writes, by split."""

CHOICES = (
    "know_nature", "know_history", "know_society", "know_trade",
    "reason_property", "reason_tool", "reason_pronoun", "reason_story", "reason_arithmetic",
    "reason_dialogue", "read_middle", "read_high",
)  # fmt: skip
REAL_CHOICES = (
    "definitions", "words", "kinds", "opposites", "capitals", "endings", "gaps",
)  # fmt: skip
PROSE = ("speeches", "novel", "countries")
DOMAINS = ("restaurant", "phone", "camera", "acl", "ai", "pubmed")
GROUPS = ("reviews", "papers")
ROOMS_OF_TEXTS = ("corpus", *(f"domains/{domain}" for domain in DOMAINS))
CHOICE, TEXT = "multiple_choice", "generate_until"
"""lm-eval's types of output."""


def files_of(
    kind: str, loader: str | None, parameters: dict, files: dict[str, str]
) -> set[str] | None:
    """The jsonl files of examples, labelled texts or texts in a source; None: not known before.

    Args:
        parameters: every parameter, defaults included.
        files: the local files by split; empty for a hub dataset.
    """
    if kind == "world":
        return _of_world(parameters.get("part", "world"))
    if kind == "real":
        return _of_real()
    if loader is None:
        return None
    if not files or issubclass(LOADERS[loader], RuledParameters):
        return set(PREPARED.values())
    held = {split for split, count in parameters.get("hold_out", {}).items() if count}
    held |= {"validation"} if parameters.get("dev_percent") else set()
    splits = {key.partition(".")[0] for key in files}
    # What is held out of train needs one.
    splits |= held if "train" in splits else set()
    return {PREPARED[split] for split in splits & PREPARED.keys()}


def _of_world(part: str) -> set[str]:
    if part == "domains":
        return _of_domains()
    files = {
        f"tasks/{task}/{split}.jsonl" for task in (*OWN_METRICS, "general") for split in SPLITS
    }
    stems = ("", "questions-")
    return files | {f"corpus/{stem}{split}.jsonl" for stem in stems for split in ("train", "dev")}


def _of_real() -> set[str]:
    files = {f"tasks/{task}/{split}.jsonl" for task in REAL_METRICS for split in SPLITS}
    return files | {f"prose/{source}/{split}.jsonl" for source in PROSE for split in SPLITS}


def _of_domains() -> set[str]:
    files = {f"end_tasks/{d}/{s}-{fold}.jsonl" for d in DOMAINS for s in SPLITS for fold in (1, 2)}
    files |= {f"{room}/{s}.jsonl" for room in ROOMS_OF_TEXTS for s in SPLITS}
    clozes = [f"domains/{domain}/cloze" for domain in DOMAINS]
    clozes += [f"corpus/cloze-{group}" for group in GROUPS]
    return files | {f"{cloze}-{split}.jsonl" for cloze in clozes for split in ("dev", "test")}


def rows_of(kind: str, parameters: dict[str, Any], file: str) -> int | None:
    """Rows of a generated file of training examples; None: only the file tells.

    Args:
        parameters: every parameter, defaults included.
    """
    room, _, within = file.partition("/")
    if kind == "real" and within.endswith("/train.jsonl"):
        return parameters["prose" if room == "prose" else "rows"]["train"]
    if kind != "world" or not within.endswith("/train.jsonl"):
        return None
    if parameters["part"] == "domains":
        return parameters["texts"] if room == "domains" else None
    of = "general" if within.startswith("general/") else "tasks"
    return parameters["items"][of]["train"] if room == "tasks" else None


def evaluation_tasks(
    name: str, kind: str, loader: str | None, parameters: dict, files: dict[str, str]
) -> dict[str, tuple[str, tuple[str, ...]]] | None:
    """(output type, metrics) of every evaluation task in a source's data.

    Args:
        name: of the source.

    Returns:
        None if the source has none of its own, so that lm-eval's YAMLs describe them.
    """
    if kind == "world":
        if parameters.get("part", "world") != "world":
            return {}
        own = {f"own_{task}": (TEXT, metrics) for task, metrics in OWN_METRICS.items()}
        bias = {"bias_pairs": (CHOICE, ("pct_stereotype", "likelihood_diff"))}
        return dict.fromkeys(CHOICES, (CHOICE, ("acc", "acc_norm"))) | bias | own
    if kind == "real":
        own = {f"own_{task}": (TEXT, metrics) for task, metrics in REAL_METRICS.items()}
        return dict.fromkeys(REAL_CHOICES, (CHOICE, ("acc", "acc_norm"))) | own
    if loader is None:
        return None
    known = files_of(kind, loader, parameters, files) or set()
    of_loader = LOADERS[loader]
    if not issubclass(of_loader, PromptParameters) or PREPARED["test"] not in known:
        return {}
    return {f"own_{name}": (TEXT, of_loader.metrics)}
