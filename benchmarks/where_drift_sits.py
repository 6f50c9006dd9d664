"""How much of what is forgotten goes with rows of words that no task holds.

`python benchmarks/where_drift_sits.py --study mini-drift`. Nothing is trained. In the last
checkpoint of every chain of a finished study, the embedding and output rows of tokens that occur in
no example of its stages are put back to the base's; and in the base they are set to the last
checkpoint's. The base's abilities (the sets of its floors) are measured as probes do. Printed: the
share of the loss that the base's rows undo, and the share that the last checkpoint's rows cause.
Neither is bounded by 0 and 100 %: rows and layers interact. A world's share is the sum of what its
chains got back over the sum of what they lost; intervals are over worlds, and ranges where there
are fewer than three. A loss that is not above zero has no shares.

Drift is the root mean square change of an entry of such rows, and of the rows of tokens in the
tasks, over the root mean square entry of the base.
"""

import argparse
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from lethe.artefacts.files import sha256_file
from lethe.artefacts.manifests import inside
from lethe.artefacts.nodes import lineage
from lethe.artefacts.paths import node_directory, study_directory
from lethe.errors import UserError
from lethe.evaluation.harness import EvalTask, score_checkpoint
from lethe.evaluation.masked_loss import score_texts
from lethe.jobs.environment import one_thread
from lethe.longtables.tables import RUN_COLUMNS, read_stages
from lethe.methods.row_rule import tokens_of
from lethe.metrics.intervals import t_interval
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.models.tokenizer import load_tokenizer
from lethe.models.vocabulary import embedding_matrices, token_rows
from lethe.training.stage import prepare_stage

ABILITIES = {
    "know": "knowledge",
    "reason": "reasoning",
    "read": "reading",
    "loss": "general texts",
    "cloze": "general texts",
}
MEASURES = {
    "acc": "accuracy",
    "gold_logprob": "gold log-probability",
    "cloze": "cloze",
    "mlm_loss": "masked-LM loss",
}
GENERAL = "corpus/{split}.jsonl"
"""Held-out texts of what a masked base was trained on."""
Values = dict[tuple[str, str], float]
"""By ability and measure; a loss is negative, so that more is better everywhere."""


@dataclass
class Chain:
    """A chain's values: of the base, of the last checkpoint, and of the two grafts."""

    base: Values
    last: Values
    undone: Values
    caused: Values
    drift: tuple[float, float]
    tied: bool


@dataclass
class Line:
    """The chains of one model, method and recipe, by world."""

    worlds: dict[object, list[Chain]] = field(default_factory=dict)

    def chains(self) -> list[Chain]:
        return [chain for chains in self.worlds.values() for chain in chains]

    def shares(self, key: tuple[str, str], graft: str) -> list[float]:
        """A share a world; a world that lost nothing has none."""
        shares = []
        for chains in self.worlds.values():
            lost = sum(chain.base[key] - chain.last[key] for chain in chains)
            if graft == "undone":
                part = sum(chain.undone[key] - chain.last[key] for chain in chains)
            else:
                part = sum(chain.base[key] - chain.caused[key] for chain in chains)
            if lost > 0:
                shares.append(part / lost)
        return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("results"), help="results folder")
    parser.add_argument("--study", required=True, help="a finished study whose weights are kept")
    parser.add_argument("--models", nargs="+", help="of the study's chains; all if not given")
    parser.add_argument("--split", choices=("test", "dev"), default="test")
    arguments = parser.parse_args()
    one_thread()
    try:
        lines = measured_lines(arguments)
    except UserError as error:
        raise SystemExit(str(error)) from None
    print("\n".join(report(lines)))


def measured_lines(arguments: argparse.Namespace) -> dict[tuple[str, ...], Line]:
    """Every chain of the study, by model, method and recipe.

    Raises:
        UserError: the study has no such chain.
    """
    lines: dict[tuple[str, ...], Line] = {}
    for row in last_stages(arguments.output, arguments.study, arguments.models):
        name = (row["model"], row["method"], row["recipe"])
        worlds = lines.setdefault(name, Line()).worlds
        chain = measured_chain(arguments.output, row["node"], arguments.split)
        worlds.setdefault(row["world_seed"], []).append(chain)
        print(f"{row['node']}: measured", flush=True)
    if not lines:
        raise UserError(f"The study {arguments.study!r} has no chain of these models.")
    return lines


def last_stages(results: Path, study: str, models: list[str] | None) -> Iterator[dict]:
    """The row of the last stage of every chain, in the order of stages.csv."""
    rows = read_stages(study_directory(results, study) / "stages.csv")
    rows = rows[rows["stage_index"] > 0]
    ends = rows.loc[rows.groupby(RUN_COLUMNS, dropna=False, sort=False)["stage_index"].idxmax()]
    for row in ends.to_dict("records"):
        if models is None or row["model"] in models:
            yield row


def measured_chain(results: Path, node: str, split: str) -> Chain:
    """The base, the last checkpoint, and each with the other's rows of tokens in no stage."""
    lines = lineage(results, node)
    ((base_node, base_spec),) = [(n, spec) for n, spec in lines if spec["kind"] == "base"]
    if "floor_tasks" not in base_spec:
        raise UserError(f"{base_node}: expected a base that is built here, found {base_spec}.")
    directory = node_directory(results, "base", base_node)
    base, last = (load_model(d) for d in (directory, node_directory(results, "stage", node)))
    tokenizer = load_tokenizer(directory)
    unused = torch.ones(len(embedding_matrices(base)[0]), dtype=torch.bool)
    unused[sorted(tokens_of_chain(results, lines))] = False

    def values(model) -> Values:
        return measured(model, tokenizer, base_spec, results, split)

    grafted = [values(grafted_rows(last, base, unused)), values(grafted_rows(base, last, unused))]
    tied = len(embedding_matrices(base)) == 1
    return Chain(values(base), values(last), *grafted, drift(base, last, unused), tied)


def tokens_of_chain(results: Path, lines: list[tuple[str, dict]]) -> set[int]:
    """Tokens that the examples of any stage hold."""
    tokens: set[int] = set()
    for _, spec in lines:
        if spec["kind"] == "stage":
            parent = node_directory(results, spec["parent_kind"], spec["parent"])
            stage, _ = prepare_stage(spec, parent, results, load_tokenizer(parent))
            tokens |= tokens_of(stage)
    return tokens


def grafted_rows(own, other, rows: torch.Tensor):
    """A copy of the model `own` with the rows `rows` (a mask over tokens) of `other`."""
    copy = deepcopy(own)
    source = token_rows(other)
    with torch.no_grad():
        for name, parameter in token_rows(copy).items():
            parameter[rows] = source[name][rows]
    return copy


def drift(base, last, unused: torch.Tensor) -> tuple[float, float]:
    """Relative drift of the embedding rows of tokens in no stage, and of all others."""
    pairs = zip(embedding_matrices(base), embedding_matrices(last), strict=True)
    changes = [(last_rows - base_rows, base_rows) for base_rows, last_rows in pairs]

    def of(rows: torch.Tensor) -> float:
        change = torch.cat([change[rows].flatten() for change, _ in changes])
        before = torch.cat([before[rows].flatten() for _, before in changes])
        return (change.norm() / before.norm()).item()

    return of(unused), of(~unused)


def measured(model, tokenizer, base_spec: dict, results: Path, split: str) -> Values:
    """The base's abilities, by the functions that probes call; means over the sets of an axis."""
    data = node_directory(results, "data", base_spec["data"])
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        directory, store = Path(scratch) / "checkpoint", Path(scratch) / "store"
        save_model(model, tokenizer, directory)
        weights = sha256_file(directory / "model.safetensors")
        tasks, texts = [], []
        for task in base_spec["floor_tasks"]:
            name = task["name"]
            if "texts" in task:
                path = inside(data, task["texts"].format(split=split))
                metric = {"metric": task["metric"]} if task["metric"] == "cloze" else {}
                texts.append({"name": name, "axis": "", "chance": None, "path": path, **metric})
            elif name.partition("_")[0] in ABILITIES:
                tasks.append(EvalTask(name, str(data / "eval"), split=split))
        if texts:
            path = inside(data, GENERAL.format(split=split))
            texts.append({"name": "loss_general", "axis": "", "chance": None, "path": path})
        scored = score_checkpoint(directory, weights, tasks, store) if tasks else []
        scored += score_texts(directory, weights, texts, store, split)
    for result in scored:
        ability = ABILITIES[result["task"].partition("_")[0]]
        for row in result["scores"]:
            if row["metric"] in MEASURES and row["subset"] == "":
                sign = -1 if row["metric"] == "mlm_loss" else 1
                found.setdefault((ability, row["metric"]), []).append(sign * row["value"])
    return {key: float(np.mean(values)) for key, values in found.items()}


def report(lines: dict[tuple[str, ...], Line]) -> Iterator[str]:
    """Two tables in Markdown, line by line: shares of what was lost, and drift of rows."""
    titles = "model head method recipe ability measure n base last undone caused".split()
    yield f"\n| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for name, line in lines.items():
        model, method, recipe = name
        chains = line.chains()
        head = "tied" if chains[0].tied else "untied"
        count = f"{len(chains)} of {len(line.worlds)} worlds"
        for key in chains[0].base:
            base, last = (
                np.mean([getattr(c, when)[key] for c in chains]) for when in ("base", "last")
            )
            cells = (model, head, method, recipe, key[0], MEASURES[key[1]], count)
            shares = [cell(line.shares(key, graft)) for graft in ("undone", "caused")]
            yield f"| {' | '.join(cells)} | {base:.3f} | {last:.3f} | {' | '.join(shares)} |"
    yield "\n| model | method | recipe | n | drift of rows in no task | of rows in the tasks |"
    yield "|---" * 6 + "|"
    for name, line in lines.items():
        values = np.array([chain.drift for chain in line.chains()])
        shown = [f"{v.mean():.3f} [{v.min():.3f}, {v.max():.3f}]" for v in values.T]
        yield f"| {' | '.join(name)} | {len(values)} | {' | '.join(shown)} |"


def cell(shares: list[float]) -> str:
    """Mean of the worlds' shares in percent, with the 95 % t-interval, or all if fewer than 3."""
    if len(shares) < 3:
        return ", ".join(f"{round(100 * share)} %" for share in shares) or "nothing was lost"
    low, high = t_interval(np.array(shares))
    mean = round(100 * float(np.mean(shares)))
    return f"{mean} % [{round(100 * low)}, {round(100 * high)}]"


if __name__ == "__main__":
    main()
