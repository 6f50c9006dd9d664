"""How much a soft mask slows learning under AdamW: `python benchmarks/update_ratio.py --seed 1`.

A small masked language model is trained on the generated general corpus, then on a first domain
with DAS. From there the second domain is trained three times, all else equal and without contrast:
without a mask, with the mask on the gradient (Eq. 6 of Ke et al. 2023), and with the mask on the
update. Printed by layer and kind of units: the mean factor 1 - I, and how far the masked parameters
moved as a share of how far they move without the mask. 1 means that the mask did nothing.
"""

import argparse
import tempfile
from pathlib import Path

from lethe.artefacts.manifests import publish
from lethe.config.reading import DEFAULT, merge, parse_study, read_catalogue, read_yaml
from lethe.jobs.environment import one_thread
from lethe.methods.parts.softmask.masking import factors, update_ratios
from lethe.models.encoder_units import encoder_of
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.models.tokenizer import load_tokenizer
from lethe.parameters.entries import resolved
from lethe.planning.plan import make_plan
from lethe.sources.domains.build import build_domains
from lethe.sources.domains.parameters import DomainsParameters
from lethe.training.base import train_seed
from lethe.training.stage import prepare_method, train_stage

STUDY = Path(__file__).resolve().parents[1] / "config" / "mini-full-ke.yaml"
PLAIN = {"contrast_weight": 0.0}
VARIANTS = {
    "none": {**PLAIN, "soft_mask": False},
    "gradient": PLAIN,
    "update": {**PLAIN, "mask": "update"},
}
KINDS = {
    "attention": ("query", "key", "value", "attention_output"),
    "intermediate": ("intermediate",),
    "output": ("output",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="world seed")
    arguments = parser.parse_args()
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        report(trained(Path(folder), arguments.seed))


def trained(results: Path, seed: int) -> tuple[Path, dict, dict[str, Path]]:
    """Folder and spec of the first stage, and the folder of each variant of the second."""
    study = parse_study(merge(merge(read_yaml(DEFAULT), read_yaml(STUDY)), {"methods": ["das"]}))
    plan = make_plan(study, read_catalogue(study))
    base = plan.of_kind("base")[0].spec
    chain = next(run for run in plan.runs if run.method == "das")
    first, second = (plan.nodes[node].spec for node in chain.checkpoints[1:3])
    data = results / "data" / "data"
    build_domains({"seed": seed, **resolved(DomainsParameters())}, data)
    files = [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()]
    publish(data, "data.json", {}, files)
    for spec in (base, first, second):
        for part in spec["mixture"]:
            part["data"] = "data"
    base["data"] = "data"
    tokenizer = load_tokenizer(data / "tokenizer")
    model, _ = train_seed(base, 0, data, tokenizer, None)
    directory = results / "bases" / "base"
    publish(directory, "base.json", {}, save_model(model, tokenizer, directory))
    train_stage("first", {**first, "parent": "base", "hyper": PLAIN}, results, "code", 600)
    found = {}
    for name, hyper in VARIANTS.items():
        spec = {**second, "parent": "first", "earlier": [], "hyper": hyper}
        train_stage(name, spec, results, "code", 600)
        found[name] = results / "stages" / name
    return results / "stages" / "first", {**first, "hyper": PLAIN}, found


def report(stages: tuple[Path, dict, dict[str, Path]]) -> None:
    start, spec, found = stages
    parent = load_model(start)
    method = prepare_method(spec, start)
    by_name = factors(parent, method.importance, "rows")
    before = parent.state_dict()
    after = {name: load_model(folder).state_dict() for name, folder in found.items()}
    ratios = {
        name: update_ratios(before, after[name], after["none"]) for name in ("gradient", "update")
    }
    names = {id(parameter): name for name, parameter in parent.named_parameters()}
    print("| layer | units | mean 1 - I | mask on the gradient | mask on the update |")
    print("|---|---|---|---|---|")
    for number, layer in enumerate(encoder_of(parent).layers):
        for kind, roles in KINDS.items():
            weights = [names[id(getattr(layer, role).weight)] for role in roles]
            free = sum(float(by_name[name].mean()) for name in weights) / len(weights)
            shown = [
                sum(ratios[how][name] for name in weights) / len(weights)
                for how in ("gradient", "update")
            ]
            print(f"| {number} | {kind} | {free:.2f} | {shown[0]:.2f} | {shown[1]:.2f} |")


if __name__ == "__main__":
    main()
