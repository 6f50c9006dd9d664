"""Memory that runs out halves the micro-batches: the same examples, order, weights and result."""

import time

import pytest
import torch
from masked_model import masked_model, masked_stage, masked_tokenizer, texts
from small_nodes import RECIPE, make_nodes, stage_spec

from lethe.data.masked_examples import document_examples
from lethe.errors import UserError
from lethe.methods import kd
from lethe.methods.contract import Method
from lethe.methods.registry import create
from lethe.models.forward import label_logits, weighted_loss
from lethe.training import stage as stage_module
from lethe.training.layout import Ahead, make_collate
from lethe.training.loop import train
from lethe.training.progress import Progress, StepResult
from lethe.training.stage import train_stage

# Every method trains twice over, with and without halving.
pytestmark = pytest.mark.slow

PADDED = {"packed": False}


@pytest.fixture
def results(tmp_path):
    make_nodes(tmp_path)
    return tmp_path


def run(results, node, method="sequential", **spec):
    first = stage_spec(method=method, recipe=PADDED)
    if not (results / "stages" / f"first-{method}").exists():
        train_stage(f"first-{method}", first, results, "code", 1e9)
    spec = {"earlier": [first["mixture"]], "history": ["one", "two"], **spec}
    second = stage_spec("two", f"first-{method}", method=method, **spec)
    return train_stage(node, second, results, "code", 1e9)


def failing(when, computed=weighted_loss):
    """What is computed, which raises as torch does when `when`(call, rows) says so.

    Calls of a network that is not trained, such as a teacher, are let through.
    """
    calls = 0

    def loss(model, batch):
        nonlocal calls
        if not any(parameter.requires_grad for parameter in model.parameters()):
            return computed(model, batch)
        calls += 1
        if when(calls, len(batch.input_ids)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return computed(model, batch)

    return loss


@pytest.mark.parametrize("method", ["sequential", "ewc", "kd", "derpp", "replay", "agem"])
@pytest.mark.parametrize(
    ("rows", "when", "halvings"),
    [
        (None, lambda call, rows: rows > 1, [[0, 2], [0, 1]]),
        # Within a step, when gradients of its first micro-batch are there already.
        (2, lambda call, rows: call == 2, [[0, 1]]),
    ],
)
def test_weights_are_those_of_a_run_that_began_with_the_smaller_micro_batches(
    results, monkeypatch, method, rows, when, halvings
):
    wanted = run(results, "small", method, recipe={**PADDED, "micro_batch_rows": 1})
    assert wanted["halvings"] == []
    monkeypatch.setattr(stage_module, "weighted_loss", failing(when))
    # The pass that KD shares with its loss.
    monkeypatch.setattr(kd, "label_logits", failing(when, label_logits))
    found = run(results, "halved", method, recipe={**PADDED, "micro_batch_rows": rows})
    assert found["halvings"] == halvings
    names = [name for name in wanted["files"] if name.endswith((".safetensors", ".csv"))]
    assert {n: found["files"][n] for n in names} == {n: wanted["files"][n] for n in names}
    for count in ("tokens", "replayed", "labels"):
        assert found[count] == wanted[count]


def test_a_run_that_is_interrupted_after_a_halving_goes_on_with_the_smaller_micro_batches(
    results, monkeypatch
):
    from lethe.training import loop, snapshot_pace

    def runs_out_at_step_one(call, rows):
        return rows == 4 and call > 1

    monkeypatch.setattr(stage_module, "weighted_loss", failing(runs_out_at_step_one))
    spec = stage_spec(recipe=PADDED)
    whole = train_stage("whole", spec, results, "code", 1e9)
    assert whole["halvings"] == [[1, 2]]
    take_step = loop.take_step

    def stopping(stage, *rest):
        if stage.step == 3:
            raise KeyboardInterrupt
        take_step(stage, *rest)

    monkeypatch.setattr(stage_module, "weighted_loss", failing(runs_out_at_step_one))
    with monkeypatch.context() as patch:
        patch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
        patch.setattr(loop, "take_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            train_stage("part", spec, results, "code", 0.0)
    # From here on memory would do for four rows; the stage stays as it was.
    monkeypatch.setattr(stage_module, "weighted_loss", weighted_loss)
    part = train_stage("part", spec, results, "code", 0.0)
    assert part["halvings"] == [[1, 2]]
    assert part["files"] == whole["files"]


def test_one_row_that_does_not_fit_is_one_sentence(results, monkeypatch):
    monkeypatch.setattr(stage_module, "weighted_loss", failing(lambda *_: True))
    with pytest.raises(UserError, match="step 0, with micro-batches of 1 rows; set the recipe's"):
        train_stage("none", stage_spec(), results, "code", 1e9)
    assert not (results / "stages" / "none" / "stage.json").exists()


@pytest.mark.parametrize("text", ["", "DefaultCPUAllocator: can't allocate memory: you tried"])
def test_memory_that_runs_out_elsewhere_is_one_sentence_and_other_errors_stay(text):
    class Large(Method):
        def after_backward(self, stage):
            raise RuntimeError(text or "shapes do not fit")

    stage = small_stage()
    with pytest.raises(UserError if text else RuntimeError, match="outside|do not fit"):
        train(stage, Large(), {**RECIPE, "mask_share": 0.3}, None)


def small_stage(micro_batch_rows=None, plain_loss=weighted_loss):
    model, tokenizer = masked_model(), masked_tokenizer()
    recipe = {**RECIPE, "mask_share": 0.3, "micro_batch_rows": micro_batch_rows}
    examples = document_examples(texts(8), "t", tokenizer, 24)
    collate = make_collate(recipe, tokenizer, "masked", model.config)
    return masked_stage(model, examples, collate=collate, plain_loss=plain_loss, steps=4)


@pytest.mark.parametrize("name", ["das", "classic"])
def test_a_contrast_within_micro_batches_is_never_taken_on_smaller_ones(name, monkeypatch):
    from lethe.models import masked_forward

    def no_room(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    method = create(name, {"soft_mask": False, "initialise": "none"} if name == "das" else {})
    method.after_stage = lambda stage: None
    stage = small_stage(plain_loss=no_room)
    monkeypatch.setattr(masked_forward, "weighted_loss", no_room)
    with pytest.raises(UserError, match="smaller micro-batches would change the loss"):
        train(stage, method, {**RECIPE, "mask_share": 0.3}, None)
    assert stage.collate.rows is None


def test_steps_made_ahead_are_the_steps_made_in_turn():
    made = []

    def make(step):
        time.sleep(0.001)
        made.append(step)
        return step * step

    ahead = Ahead(make, last=6, beside=True)
    found = [ahead(0), ahead(1)]
    ahead.forget()
    found += [ahead(step) for step in (1, 2, 3, 4, 5)]
    ahead.close()
    assert found == [0, 1, 1, 4, 9, 16, 25]
    assert max(made) == 5


def test_what_a_step_found_may_be_read_later_and_names_its_own_step():
    def found(step, norm):
        return StepResult(step, [torch.tensor(1.0)], torch.tensor(norm), 0.1, [], "the recipe's")

    progress = Progress()
    progress.note(found(0, 1.0), wait=False)
    assert progress.rows == []
    progress.note(found(1, float("nan")), wait=False)
    assert progress.rows == [[0, 1.0, 1.0, 0.1]]
    with pytest.raises(UserError, match="step 1: the gradient norm is nan"):
        progress.note(found(2, 1.0), wait=False)
