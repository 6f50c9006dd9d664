"""Where a domain's knowledge sits: `python benchmarks/where_knowledge_sits.py --study NAME`.

Chains of masked language models that a study has trained on domains are taken apart by grafting;
nothing is trained. For every domain but the last, one group of parameters of the last checkpoint is
replaced by that of the checkpoint right after the domain, and the other way round, and the
masked-LM loss on the domain's texts is measured as probes do. Printed by group: the share of
the domain's rise in loss that the graft into the last checkpoint undoes, and the share that the
graft into the earlier one causes. Groups interact: a share may be negative or above 100 %, and
shares need not add up. What one set of groups undoes and what all others cause is 100 % together.
Intervals are over worlds; a world's share is the mean over its domains. The rise of every domain is
told; one that is not above zero has no shares and is left out.

`--against base` asks the same of what a domain taught: the base stands for the last checkpoint, and
chains of one stage have it too. `--measure cloze` takes the share of hidden words that get a wrong
class in place of the loss, and a probe's set `cloze_DOMAIN`.
"""

import argparse
import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from lethe.artefacts.files import read_json
from lethe.artefacts.lineage import find_node
from lethe.artefacts.nodes import lineage
from lethe.artefacts.paths import node_directory, study_directory
from lethe.errors import UserError
from lethe.evaluation.cloze import CLOZE
from lethe.evaluation.masked_loss import score_texts
from lethe.evaluation.probe_tasks import text_task
from lethe.jobs.environment import one_thread
from lethe.longtables.tables import RUN_COLUMNS, read_stages
from lethe.methods.attached import attach
from lethe.metrics.intervals import t_interval
from lethe.models.grafting import GROUPS, graft, shares_of_rise
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.models.tokenizer import load_tokenizer

# What DAS masks, but for a bias, and what it leaves free.
MASKED = ("attention", "dense layers")
ROWS = {group: (group,) for group in GROUPS} | {
    " + ".join(MASKED): MASKED,
    "all but these": tuple(group for group in GROUPS if group not in MASKED),
}
Shares = dict[str, list[tuple[float, float]]]
MEASURES = {"loss": "mlm_loss", "cloze": CLOZE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("results"), help="results folder")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--study", help="a finished study; its chains of two stages or more")
    chosen.add_argument("--stages", nargs="+", metavar="ID", help="the last stages of chains")
    parser.add_argument(
        "--methods", nargs="+", default=["sequential", "das"], help="of the study's chains"
    )
    parser.add_argument("--measure", choices=MEASURES, default="loss")
    parser.add_argument("--against", choices=("last", "base"), default="last")
    arguments = parser.parse_args()
    one_thread()
    results, against = arguments.output, arguments.against
    try:
        if arguments.study:
            last = last_stages(results, arguments.study, arguments.methods, against)
        else:
            last = [find_node(results, name) for name in arguments.stages]
        report(last, results, arguments.measure, against)
    except UserError as error:
        raise SystemExit(str(error)) from None


def last_stages(
    results: Path, study: str, methods: Collection[str], against: str = "last"
) -> list[str]:
    """The last stage of every chain of a finished study, in the order of the methods.

    Chains that train adapters or LoRA are left out, as their checkpoints are not grafted, and so
    are pools, as what they learned is not one domain's.
    """
    rows = read_stages(study_directory(results, study) / "stages.csv")
    ends = rows.loc[rows.groupby(RUN_COLUMNS, dropna=False, sort=False)["stage_index"].idxmax()]
    least = 1 if against == "base" else 2
    ends = ends[(ends["stage_index"] >= least) & ends["method"].isin(list(methods))]
    ends = ends[ends["parametrisation"].isin(["full", ""])]
    ends = ends[~ends["stage_task"].astype(str).str.contains("&")]
    if not len(ends):
        raise UserError(
            f"The study {study!r} has no chain of {least} stages or more by {', '.join(methods)}."
        )
    place = {method: number for number, method in enumerate(methods)}
    return ends.sort_values("method", key=lambda names: names.map(place), kind="stable")[
        "node"
    ].tolist()


def report(last: list[str], results: Path, measure: str = "loss", against: str = "last") -> None:
    """Measure chain by chain and print the table."""
    found: dict[tuple[str, str], dict[str, list[Shares]]] = {}
    for node in last:
        lines = lineage(results, node)
        spec = lines[-1][1]
        stages = [one for _, one in lines if one["kind"] == "stage"]
        if spec["kind"] != "stage" or (len(stages) < 2 and against == "last"):
            raise UserError(f"{node}: expected the last of two or more stages.")
        line = (spec["method"], " > ".join(spec["history"]))
        shares, rises = chain_shares(results, lines, measure, against)
        found.setdefault(line, {}).setdefault(lines[0][0], []).append(shares)
        told = ", ".join(f"{domain} {rise:+.3f}" for domain, rise in rises.items())
        unit = "nats" if measure == "loss" else "share of wrong classes"
        print(f"{node}: rise in {unit} {told}", flush=True)
    print("\n| method | order | parameters | worlds | undone | caused |")
    print("|---|---|---|---|---|---|")
    for (method, order), worlds in found.items():
        for name in ROWS:
            pairs = [[p for shares in chains for p in shares[name]] for chains in worlds.values()]
            means = np.array([np.mean(of_world, axis=0) for of_world in pairs if of_world])
            cells = " | ".join(cell(column) for column in means.reshape(-1, 2).T)
            print(f"| {method} | {order} | {name} | {len(means)} | {cells} |")


def cell(values: np.ndarray) -> str:
    """Mean and 95 % t-interval of shares, in percent; the values where there are fewer than 3."""
    if len(values) < 3:
        return ", ".join(f"{round(100 * value)} %" for value in values)
    low, high = t_interval(values)
    return f"{round(100 * values.mean())} % [{round(100 * low)}, {round(100 * high)}]"


def chain_shares(
    results: Path, lines: list[tuple[str, dict]], measure: str = "loss", against: str = "last"
) -> tuple[Shares, dict[str, float]]:
    """By row of the table a pair (undone, caused) a domain that got worse; and all rises.

    Rises are from right after the domain's stage to the last checkpoint, or to the base.
    """
    stages = [(node, spec) for node, spec in lines if spec["kind"] == "stage"]
    final = stages[-1][0]
    (base,) = (node for node, spec in lines if spec["kind"] == "base")
    other = final if against == "last" else base
    model, tokenizer = plain_checkpoint(results, other, "stage" if against == "last" else "base")
    last = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    shares: Shares = {name: [] for name in ROWS}
    rises = {}
    for node, spec in stages[:-1] if against == "last" else stages:
        task = texts_of(results, final, spec, measure)

        def wrong(state: dict, task: dict = task) -> float:
            model.load_state_dict(state)
            return measured(model, tokenizer, task, measure)

        own = plain_checkpoint(results, node)[0].state_dict()
        before, after = wrong(own), wrong(last)
        rises[spec["history"][-1]] = after - before
        if after <= before:
            continue
        for name, groups in ROWS.items():
            undone, caused = wrong(graft(last, own, groups)), wrong(graft(own, last, groups))
            shares[name].append(shares_of_rise(before, after, undone, caused))
    return shares, rises


def plain_checkpoint(results: Path, node: str, kind: str = "stage"):
    """Model and tokenizer of a stage, or of a base.

    Raises:
        UserError: its method adds parameters, which are in no group.
    """
    directory = node_directory(results, kind, node)
    model, method = attach(load_model(directory), directory)
    if method is not None and (method.extra is not None or method.needs_identity):
        raise UserError(
            f"{node}: its method adds to the plain model, and such checkpoints are not grafted; "
            "leave it out with --methods or --stages."
        )
    return model, load_tokenizer(directory)


def texts_of(results: Path, checkpoint: str, spec: dict, measure: str = "loss") -> dict:
    """The probe task of `checkpoint` on the domain that the stage trains on.

    Of loss it is the one with that domain's texts; of cloze the one with its name.

    Raises:
        UserError: the stage trains on several tasks, or no probe has their texts.
    """
    slug, domain = checkpoint.rpartition("-")[0], spec["history"][-1]
    if len(spec["mixture"]) == 1:
        (part,) = spec["mixture"]
        for path in sorted((results / "specs").glob(f"{slug}-*.json")):
            probe = read_json(path)
            if probe["kind"] == "probe" and probe["checkpoint"] == checkpoint:
                for task in probe["tasks"]:
                    file = (task.get("texts") or "").format(split="train")
                    of_loss = (task["data"], file) == (part["data"], part["file"])
                    of_cloze = task["metric"] == CLOZE and task["name"] == f"{CLOZE}_{domain}"
                    if of_loss if measure == "loss" else of_cloze:
                        return text_task(task, results, probe)
    raise UserError(
        f"{checkpoint}: no probe of it scores the {measure} of {domain!r}; only domains with a "
        "masked-LM loss, or a cloze set, of their own can be grafted."
    )


def measured(model, tokenizer, task: dict, measure: str = "loss") -> float:
    """Masked-LM loss, nats a masked token, or the share of wrong classes; as probes score them."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "checkpoint"
        save_model(model, tokenizer, directory)
        (result,) = score_texts(directory, "grafted", [task], Path(scratch) / "store")
    metric = MEASURES[measure]
    value = next(row["value"] for row in result["scores"] if row["metric"] == metric)
    return value if measure == "loss" else 1 - value


if __name__ == "__main__":
    main()
