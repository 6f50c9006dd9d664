"""The training loop: determinism, resume, guards, packing, and the contract of methods."""

import json

import numpy as np
import pytest
import torch
from small_nodes import RECIPE, make_nodes, make_tokenizer, stage_spec

from lethe.data.batches import collate
from lethe.data.draws import step_indices
from lethe.data.examples import document_examples, instruction_examples
from lethe.errors import UserError
from lethe.methods.contract import Method
from lethe.models.forward import token_losses, weighted_loss
from lethe.models.loading import load_model
from lethe.training import snapshot_pace
from lethe.training import stage as stage_module
from lethe.training.optimizer import factor
from lethe.training.stage import train_stage


@pytest.fixture
def results(tmp_path):
    make_nodes(tmp_path)
    return tmp_path


def run(results, node="stage", snapshot_seconds=1e9, **spec):
    return train_stage(node, stage_spec(**spec), results, "code", snapshot_seconds)


def weights(manifest):
    return manifest["files"]["model.safetensors"]["sha256"]


def some_examples(count=7):
    tokenizer = make_tokenizer()
    generator = np.random.default_rng(1)
    rows = [
        {"id": str(i), "prompt": " ".join(["red"] * int(generator.integers(1, 6)))}
        for i in range(count)
    ]
    for number, row in enumerate(rows):
        row["response"] = " ".join(["cat", "dog", "fish"][: 1 + number % 3])
    return instruction_examples(rows, "t", tokenizer, 24, "{prompt}")


def lay_out(examples, packed, normalisation="token", micro=None):
    return collate(
        examples,
        width=24,
        packed=packed,
        normalisation=normalisation,
        pad_token=0,
        micro_batch_rows=micro,
    )


@pytest.mark.parametrize("normalisation", ["token", "example"])
def test_packing_changes_padding_but_neither_loss_nor_gradient(results, normalisation):
    gradients, losses = [], []
    for packed in (True, False):
        model = load_model(results / "bases" / "base")
        loss = sum(weighted_loss(model, b) for b in lay_out(some_examples(), packed, normalisation))
        loss.backward()
        losses.append(loss.item())
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for name, gradient in gradients[1].items():
        assert gradient.norm() > 0
        assert (gradients[0][name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-9


def test_micro_batches_add_up_to_the_loss_of_the_whole_batch(results):
    model = load_model(results / "bases" / "base")
    whole = weighted_loss(model, lay_out(some_examples(), False)[0])
    parts = lay_out(some_examples(), False, micro=2)
    assert len(parts) == 4
    assert sum(weighted_loss(model, part).item() for part in parts) == pytest.approx(whole.item())
    assert sum(part.weights.sum().item() for part in parts) == pytest.approx(1.0)


def test_the_loss_of_a_batch_is_the_mean_over_response_tokens_alone(results):
    """Naive reference: each example alone through the model, labels picked by hand."""
    model = load_model(results / "bases" / "base").eval()
    examples = some_examples()
    naive = []
    for example in examples:
        tokens = torch.tensor([example.tokens])
        log_probabilities = model(input_ids=tokens).logits.log_softmax(-1)[0]
        for place in range(example.label_start, len(example.tokens)):
            naive.append(-log_probabilities[place - 1, example.tokens[place]].item())
    loss = weighted_loss(model, lay_out(examples, True)[0]).item()
    assert loss == pytest.approx(sum(naive) / len(naive), rel=1e-5)


def test_example_weights_give_every_example_the_same_share():
    batch = lay_out(some_examples(), True, "example")[0]
    for number in range(len(batch.example_ids)):
        assert batch.weights[batch.label_documents == number].sum() == pytest.approx(1 / 7)


def test_a_batch_says_which_example_every_position_and_label_belongs_to():
    examples = some_examples()
    batch = lay_out(examples, True)[0]
    by_id = {example.id: example for example in examples}
    flat = batch.input_ids.flatten()
    assert set(batch.example_ids) == set(by_id)
    for number, name in enumerate(batch.example_ids):
        mine = batch.document_ids.flatten() == number
        assert tuple(flat[mine].tolist()) == by_id[name].tokens
        positions = batch.position_ids.flatten()[mine]
        assert positions.tolist() == list(range(len(by_id[name].tokens)))
        labels = batch.targets[batch.label_documents == number]
        assert tuple(labels.tolist()) == by_id[name].tokens[by_id[name].label_start :]
    assert batch.tokens == sum(len(example.tokens) for example in examples)


def test_every_epoch_is_a_permutation_and_a_step_depends_on_its_number_alone():
    steps = [step_indices(10, 4, step, 3, 25) for step in range(7)]
    stream = sum(steps, [])
    assert sorted(stream[:10]) == sorted(stream[10:20]) == list(range(10))
    assert stream[:10] != stream[10:20]
    assert len(stream) == 25
    assert step_indices(10, 4, 5, 3, 25) == steps[5]


def test_documents_are_cut_and_labelled_from_their_second_token():
    rows = [{"id": 1, "text": "red cat runs"}]
    (example,) = document_examples(rows, "t", make_tokenizer(), 4)
    assert (len(example.tokens), example.label_count) == (4, 3)


def test_a_long_prompt_is_cut_on_the_left_and_keeps_every_label():
    rows = [{"id": 1, "prompt": "red " * 40, "response": "cat dog"}]
    (example,) = instruction_examples(rows, "t", make_tokenizer(), 10, "{prompt}")
    tokenizer = make_tokenizer()
    assert len(example.tokens) == 10
    assert tokenizer.decode(example.tokens[example.label_start :]) == "cat dog </s>"
    assert example.tokens[0] == tokenizer.bos_token_id


def test_two_runs_give_the_same_weights_and_another_seed_gives_others(results):
    first = run(results, "first")
    assert weights(first) == weights(run(results, "second"))
    assert weights(first) != weights(run(results, "other", train_seed=1))


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_a_stage_killed_at_a_step_goes_on_to_the_same_weights_and_log(results, monkeypatch, stop):
    whole = run(results, "whole")
    interrupt(results, monkeypatch, stop)
    assert not (results / "stages" / "cut" / "stage.json").exists()
    take_step = stage_module.train.__globals__["take_step"]
    steps = []

    def counting(stage, *rest):
        steps.append(stage.step)
        take_step(stage, *rest)

    monkeypatch.setitem(stage_module.train.__globals__, "take_step", counting)
    resumed = run(results, "cut", snapshot_seconds=1e9)
    assert steps[0] == stop
    assert weights(resumed) == weights(whole)
    assert resumed["files"]["training.csv"] == whole["files"]["training.csv"]
    assert resumed["tokens"] == whole["tokens"]


def test_a_snapshot_of_another_spec_is_not_continued(results, monkeypatch):
    whole = run(results, "whole", train_seed=1)
    snapshot = results / "work" / "cut" / "snapshot.safetensors"
    interrupt(results, monkeypatch)
    assert snapshot.exists()
    assert weights(run(results, "cut", train_seed=1)) == weights(whole)


def interrupt(results, monkeypatch, stop=3):
    """Train the stage `cut` with a snapshot a step, and stop it before one of them."""
    take_step = stage_module.train.__globals__["take_step"]

    def stopping(stage, *rest):
        if stage.step == stop:
            raise KeyboardInterrupt
        take_step(stage, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
        patch.setitem(stage_module.train.__globals__, "take_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(results, "cut", snapshot_seconds=0.0)


class Watching(Method):
    """Records what every hook can reach; counts its calls in its state."""

    def __init__(self):
        self.calls, self.count, self.seen = [], 0, {}

    def before_stage(self, stage):
        self.calls.append("before_stage")
        self.replayed = stage.load_replayed()
        self.seen["replayed"] = [len(examples) for examples in self.replayed]
        self.seen["parent"] = stage.load_parent()
        self.seen["start"] = [p.detach().clone() for _, p in stage.trainable()]

    def loss(self, stage, batch):
        self.calls.append("loss")
        return super().loss(stage, batch)

    def step_loss(self, stage):
        self.calls.append("step_loss")
        if not self.replayed:
            return None
        replay = [self.replayed[0][stage.step % 20]]
        return sum(stage.plain_loss(stage.model, part) for part in stage.collate(replay)) / 2

    def after_backward(self, stage):
        self.calls.append("after_backward")
        stage.gradients()["model.norm.weight"].zero_()

    def after_update(self, stage):
        self.calls.append("after_update")

    def after_stage(self, stage):
        self.calls.append("after_stage")
        self.count += 1

    def state(self):
        return {"count": torch.tensor([self.count])}

    def load_state(self, state):
        self.count = int(state["count"])


@pytest.fixture
def watching(monkeypatch):
    made = []

    def create(name, hyper):
        made.append(Watching())
        return made[-1]

    monkeypatch.setattr(stage_module, "create", create)
    return made


def test_hooks_are_called_in_order_and_reach_parent_replay_and_gradients(results, watching):
    run(results, "first")
    earlier = [stage_spec("one")["mixture"]]
    spec = {"task": "two", "parent": "first", "earlier": earlier, "history": ["one", "two"]}
    manifest = run(results, "second", **spec)
    one, two = watching
    step = ["loss", "step_loss", "after_backward", "after_update"]
    assert one.calls == ["before_stage", *step * 10, "after_stage"]
    assert (one.seen["replayed"], two.seen["replayed"]) == ([], [20])
    parent = dict(two.seen["parent"].named_parameters())
    assert all(not parameter.requires_grad for parameter in parent.values())
    for start, parameter in zip(two.seen["start"], parent.values(), strict=True):
        assert torch.equal(start, parameter)
    # The gradient of the last norm was zeroed through the hook, so that norm never moved.
    base = load_model(results / "bases" / "base")
    trained = load_model(results / "stages" / "second")
    assert torch.equal(base.model.norm.weight, trained.model.norm.weight)
    assert not torch.equal(base.model.embed_tokens.weight, trained.model.embed_tokens.weight)
    assert two.count == 2
    assert "method_state.safetensors" in manifest["files"]


def test_a_method_state_that_was_altered_is_refused(results, watching):
    run(results, "first")
    path = results / "stages" / "first" / "method_state.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="method_state.safetensors"):
        run(results, "second", task="two", parent="first")


class Broken(Method):
    def __init__(self, how):
        self.how = how

    def before_stage(self, stage):
        if self.how == "frozen":
            stage.model.requires_grad_(False)

    def loss(self, stage, batch):
        loss = super().loss(stage, batch)
        return loss * (float("nan") if self.how == "nan" and stage.step == 3 else 1.0)

    def after_backward(self, stage):
        for gradient in stage.gradients().values():
            if self.how == "zero":
                gradient.zero_()
            if self.how == "infinite" and stage.step == 3:
                gradient.fill_(float("inf"))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("nan", "stopped at step 3: the loss is nan"),
        ("infinite", "stopped at step 3: the gradient norm is inf"),
        ("zero", "Nothing is training"),
        ("frozen", "Nothing is trainable"),
    ],
)
def test_training_that_cannot_go_on_stops_at_once_and_publishes_nothing(
    results, monkeypatch, how, sentence
):
    monkeypatch.setattr(stage_module, "create", lambda name, hyper: Broken(how))
    with pytest.raises(UserError, match=sentence):
        run(results)
    assert not (results / "stages" / "stage").exists()


def test_the_manifest_holds_spec_hashes_tokens_and_versions(results):
    manifest = run(results)
    on_disk = json.loads((results / "stages" / "stage" / "stage.json").read_text())
    assert on_disk == manifest
    assert manifest["spec"]["recipe"] == RECIPE
    assert manifest["parent_weights"] != weights(manifest)
    assert manifest["steps"] == 10
    assert manifest["provenance"]["versions"]["torch"]
    assert manifest["flops"] == 6 * manifest["parameters"] * manifest["tokens"]


def test_schedules_start_and_end_where_they_say():
    assert factor(0, 10, "cosine", 2, 0.1) == 0.5
    assert factor(2, 10, "cosine", 2, 0.1) == 1.0
    assert factor(10, 10, "cosine", 2, 0.1) == pytest.approx(0.1)
    assert factor(6, 10, "linear", 2, 0.0) == pytest.approx(0.5)
    assert factor(9, 10, "constant", 0, 0.0) == 1.0


def test_token_losses_are_per_label(results):
    model = load_model(results / "bases" / "base")
    batch = lay_out(some_examples(), True)[0]
    assert token_losses(model, batch).shape == batch.targets.shape


def test_the_newest_periodic_checkpoint_holds_the_weights_of_its_step(results):
    """20 examples, 2 epochs of batches of 4: ten steps, of which every fourth is kept."""
    periodic = {"checkpoint": "newest-periodic", "save_steps": 4}
    handed_on = run(results, "periodic", recipe=periodic)
    eight = run(results, "eight", recipe={"epochs": None, "steps": 8})
    assert handed_on["steps"] == 8
    assert weights(handed_on) == weights(eight) != weights(run(results, "all"))
    never = run(results, "never", recipe={**periodic, "save_steps": 1000})
    assert weights(never) == weights(run(results, "all"))


def test_what_stands_between_prompt_and_response_is_the_tasks():
    rows = [{"id": "1", "prompt": "red", "response": "cat"}]
    tokenizer = make_tokenizer()
    for delimiter, text in ((" ", "red cat"), (" very ", "red very cat")):
        (example,) = instruction_examples(rows, "t", tokenizer, 24, "{prompt}", delimiter)
        assert tokenizer.decode(example.tokens[1:-1]) == text
        assert example.label_start == 2


def losses(manifest, results, node):
    lines = (results / "stages" / node / "training.csv").read_text().splitlines()[1:]
    return np.array([float(line.split(",")[1]) for line in lines])


def test_recomputed_activations_change_memory_and_no_weight(results):
    again = run(results, "again", recipe={"recompute_activations": True})
    assert weights(again) == weights(run(results, "kept"))


def test_bfloat16_arithmetic_follows_float32_with_float32_weights(results):
    short = run(results, "short", recipe={"dtype": "bfloat16"})
    exact = run(results, "exact")
    rough, fine = losses(short, results, "short"), losses(exact, results, "exact")
    assert weights(short) != weights(exact)
    assert np.abs(rough - fine).max() < 0.05 * fine.max()
    model = load_model(results / "stages" / "short")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    # float32 on disk, with more than the eight bits of a bfloat16 significand in use.
    values = next(model.parameters()).detach()
    assert (values != values.bfloat16().float()).any()
