"""End tasks in the training loop: a plain loop's weights, resumed, halved, and in bfloat16."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from end_task_case import SETTINGS, end_task_spec, made_nodes, task_of
from node_specs import write_spec

from lethe.artefacts.nodes import read_results
from lethe.cli import main
from lethe.data.draws import step_indices
from lethe.endtasks import batches, finetune
from lethe.endtasks.classifier import Classifier, load_encoder
from lethe.endtasks.finetune import fine_tune
from lethe.errors import UserError
from lethe.models.tokenizer import load_tokenizer
from lethe.training import loop, snapshot_pace
from lethe.training.snapshots import Snapshots

# End tasks are trained again and again.
pytestmark = pytest.mark.slow

SHORT = replace(SETTINGS, epochs=2)


@pytest.fixture
def nodes(tmp_path):
    yield from made_nodes(tmp_path)


@pytest.fixture
def trained(nodes, monkeypatch):
    """Fine-tunes with settings; returns the weights and the result."""
    models = []

    def kept(model, rows, pad):
        models.append(model)
        return predict(model, rows, pad)

    predict = finetune.predict
    monkeypatch.setattr(finetune, "predict", kept)

    checkpoint, task = nodes / "bases" / "base", task_of(nodes / "data" / "data")

    def run(settings=SHORT, seed=0, snapshots=None):
        made = fine_tune(checkpoint, task, settings, seed, snapshots)
        return {n: p.detach().clone() for n, p in models[-1].named_parameters()}, made

    return run


def plain_loop(checkpoint, task, settings, seed) -> dict[str, torch.Tensor]:
    """The weights of a page of plain PyTorch; AdamW as it comes, one batch a step."""
    tokenizer, split = load_tokenizer(checkpoint), task.splits["train"]
    model = Classifier(load_encoder(checkpoint)[0], len(task.labels), seed).train()
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate)
    total = settings.epochs * len(split.texts)
    steps = math.ceil(total / settings.batch_size)
    for step in range(steps):
        chosen = step_indices(len(split.texts), settings.batch_size, step, seed, total)
        texts = [split.texts[place] for place in chosen]
        encoded = tokenizer(texts, padding=True, truncation=True, max_length=12)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / steps)
        torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1)[0]))
        tokens, mask = (torch.tensor(encoded[key]) for key in ("input_ids", "attention_mask"))
        classes = torch.tensor([split.classes[place] for place in chosen])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(tokens, mask), classes).backward()
        optimizer.step()
    return dict(model.named_parameters())


@pytest.mark.parametrize("batch_size", [8, 24])  # the last batch of 24 is smaller
def test_the_weights_are_bit_for_bit_those_of_a_plain_loop(nodes, trained, batch_size):
    settings = replace(SHORT, batch_size=batch_size)
    found, made = trained(settings, seed=3)
    task = task_of(nodes / "data" / "data")
    wanted = plain_loop(nodes / "bases" / "base", task, settings, 3)
    assert found.keys() == wanted.keys() and made["halvings"] == []
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def end_task(results, slug, seconds, status=0) -> list[dict] | None:
    """The results that the verb publishes of an end task of two seeds; None if it is stopped."""
    node = write_spec(results, slug, end_task_spec(epochs=2, seeds=[0, 1]))
    timed = ["--snapshot-seconds", str(seconds)]
    assert main(["end_task", node, "--results", str(results), *timed]) == status
    manifest = results / "endtasks" / node / "end_task.json"
    return read_results(results, "end_task", node)["results"] if manifest.exists() else None


def test_a_killed_end_task_goes_on_where_it_was_to_the_same_result(nodes, monkeypatch):
    steps, saved = [], []
    whole = end_task(nodes, "whole", 1e9)
    for file in (nodes / "endtasks" / "store" / "base").iterdir():
        file.unlink()  # so that both seeds are trained again
    take_step = loop.take_step

    def stopping(stage, *rest):
        steps.append((stage.seed, stage.step))
        if len(steps) == 22:
            saved.extend(path.name for path in (nodes / "work").glob("cut-*/*"))
            raise KeyboardInterrupt
        take_step(stage, *rest)

    monkeypatch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
    monkeypatch.setattr(loop, "take_step", stopping)
    assert end_task(nodes, "cut", 0, status=130) is None
    assert steps[-1] == (1, 5) and "seed-1" in saved
    assert end_task(nodes, "cut", 0) == whole
    assert steps[22] == (1, 5)
    assert not list((nodes / "work").rglob("*.safetensors"))


def test_resumed_weights_are_bit_for_bit_those_of_an_undisturbed_run(trained, nodes, monkeypatch):
    wanted, _ = trained()
    take_step = loop.take_step

    def stopping(stage, *rest):
        if stage.step == 7:
            raise KeyboardInterrupt
        take_step(stage, *rest)

    snapshots = Snapshots(nodes / "work", {"seed": 0}, 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
        patch.setattr(loop, "take_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            trained(snapshots=snapshots)
    assert snapshots.read()[0] == 7
    found, _ = trained(snapshots=snapshots)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def test_memory_that_runs_out_halves_and_gives_the_smaller_micro_batches_weights(
    trained, monkeypatch
):
    plain, calls = batches.classification_loss, []

    def no_room(model, batch):
        calls.append(len(batch.input_ids))
        if len(calls) == 3 or len(batch.input_ids) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return plain(model, batch)

    laid_out = finetune.Layout
    with monkeypatch.context() as patch:
        patch.setattr(finetune, "Layout", lambda make, rows: laid_out(make, 2))
        wanted, made = trained()
        assert made["halvings"] == []
    monkeypatch.setattr(finetune, "classification_loss", no_room)
    found, made = trained()
    # Eight rows are too many; then the second of two micro-batches of four meets no room.
    assert made["halvings"] == [[0, 4], [0, 2]]
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def test_micro_batches_add_up_to_the_gradient_of_the_whole_batch():
    texts = [tuple(range(2, 4 + number % 3)) for number in range(7)]
    examples = [batches.LabelledExample(str(n), text, n % 2) for n, text in enumerate(texts)]
    torch.manual_seed(0)
    table = torch.nn.Parameter(torch.randn(9, 2))

    def model(tokens, mask):
        return (table[tokens] * mask.unsqueeze(-1)).sum(1)

    gradients = []
    for rows in (None, 4, 2, 1):
        table.grad = None
        laid_out = batches.collate(1, examples, micro_batch_rows=rows)
        assert sum(len(batch.targets) for batch in laid_out) == 7
        for batch in laid_out:
            batches.classification_loss(model, batch).backward()
        gradients.append(table.grad)
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0])


def test_bfloat16_arithmetic_follows_float32_with_float32_weights(trained):
    exact, made = trained(SETTINGS)
    short, scores = trained(replace(SETTINGS, dtype="bfloat16"))
    assert {value.dtype for value in short.values()} == {torch.float32}
    assert any(not torch.equal(short[name], value) for name, value in exact.items())
    assert scores["scores"]["test"]["accuracy"] > 0.9
    assert made["scores"]["test"]["accuracy"] > 0.9


def test_what_stops_an_end_task_names_its_own_settings(nodes, trained, monkeypatch):
    with pytest.raises(UserError, match="the loss is .*; lower the end task's learning_rate"):
        trained(replace(SETTINGS, learning_rate=1e30))

    def no_room(model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(finetune, "classification_loss", no_room)
    with pytest.raises(UserError, match="of 1 rows; lower the end task's `max_length`, or use"):
        trained()


class Narrow(torch.nn.Module):
    """A classifier by the first token's parity, with memory for `room` rows."""

    def __init__(self, room: int):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(2))
        self.room, self.tried = room, []

    def forward(self, tokens, mask):
        self.tried.append(len(tokens))
        if len(tokens) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.weight[tokens[:, 0] % 2]


def test_predictions_take_smaller_batches_where_memory_runs_out():
    rows = [[number, *[2] * (number % 5)] for number in range(100)]
    model = Narrow(room=20)
    assert finetune.predict(model, rows, 1) == [number % 2 for number in range(100)]
    assert model.tried == [64, 32, *[16] * 6, 4]
    with pytest.raises(UserError, match="a single text; lower the end task's `max_length`"):
        finetune.predict(Narrow(room=0), rows, 1)
