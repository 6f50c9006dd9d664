"""Training of encoder-decoders: the same loss and gradients as the stock model, one by one."""

import numpy as np
import pytest
import torch
from seq2seq_model import CONFIG, make_model, some_examples
from small_nodes import RECIPE, make_nodes, make_tokenizer, stage_spec

from lethe.artefacts.jsonlines import read_rows
from lethe.artefacts.manifests import publish
from lethe.data.seq2seq_batches import collate, rows_of_pairs
from lethe.errors import UserError
from lethe.models.architectures import build
from lethe.models.forward import token_losses, weighted_loss
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.models.tokenizer import load_tokenizer
from lethe.training import stage as stage_module
from lethe.training.base import train_base
from lethe.training.stage import train_stage

torch.set_num_threads(1)
START = {"embedding_std": 0.125, "heads": {"encoder": [-1, None]}, "strength": 3.0}


def lay_out(examples, packed, micro=None, normalisation="token"):
    return collate(
        examples,
        packed=packed,
        normalisation=normalisation,
        pad_token=0,
        start_token=0,
        micro_batch_rows=micro,
    )


def stock_loss(model, examples):
    """The stock model's own loss of padded examples (labels=), its mean over all labels."""
    width = max(len(example.encoder_tokens) for example in examples)
    length = max(len(example.tokens) for example in examples)
    ids = torch.zeros(len(examples), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full((len(examples), length), -100)
    for row, example in enumerate(examples):
        ids[row, : len(example.encoder_tokens)] = torch.tensor(example.encoder_tokens)
        mask[row, : len(example.encoder_tokens)] = 1
        labels[row, : len(example.tokens)] = torch.tensor(example.tokens)
    model.set_attn_implementation("eager")
    return model(input_ids=ids, attention_mask=mask, labels=labels).loss


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    ("architecture", "changes"),
    [("t5", {}), ("t5", {"tie_word_embeddings": False}), ("mt5", {"initializer_factor": 0.5})],
)
def test_loss_and_gradients_equal_the_stock_models(architecture, changes, packed, attention):
    examples = some_examples()
    stock = make_model(architecture, **changes)
    wanted = stock_loss(stock, examples)
    wanted.backward()
    model = make_model(architecture, **changes)
    model.set_attn_implementation(attention)
    batches = lay_out(examples, packed)
    assert (len(batches[0].input_ids) < len(examples)) == packed
    loss = sum(weighted_loss(model, batch) for batch in batches)
    loss.backward()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    gradients = dict(model.named_parameters())
    for name, parameter in stock.named_parameters():
        assert parameter.grad.norm() > 0
        difference = (gradients[name].grad - parameter.grad).norm()
        assert difference <= 1e-5 * parameter.grad.norm(), name


@pytest.mark.parametrize("packed", [True, False])
def test_the_loss_of_every_example_is_what_the_stock_model_says_of_it_alone(packed):
    examples = some_examples()
    model = make_model()
    (batch,) = lay_out(examples, packed)
    losses = token_losses(model, batch)
    assert losses.shape == batch.targets.shape
    for number, name in enumerate(batch.example_ids):
        (example,) = (one for one in examples if one.id == name)
        alone = stock_loss(make_model(), [example]).item()
        assert losses[batch.label_documents == number].mean().item() == pytest.approx(
            alone, rel=1e-5
        )


def test_a_batch_says_which_example_every_position_and_label_belongs_to():
    examples = {example.id: example for example in some_examples()}
    (batch,) = lay_out(list(examples.values()), True)
    assert set(batch.example_ids) == set(examples)
    for number, name in enumerate(batch.example_ids):
        example = examples[name]
        mine = batch.document_ids == number
        assert tuple(batch.input_ids[mine].tolist()) == (0, *example.tokens[:-1])
        assert batch.position_ids[mine].tolist() == list(range(len(example.tokens)))
        own = batch.encoder_document_ids == number
        assert tuple(batch.encoder_ids[own].tolist()) == example.encoder_tokens
        labels = batch.targets[batch.label_documents == number]
        assert tuple(labels.tolist()) == example.tokens
    sides = [(len(e.encoder_tokens), len(e.tokens)) for e in examples.values()]
    assert batch.encoder_tokens == sum(source for source, _ in sides)
    assert batch.tokens == sum(map(sum, sides))


def test_packed_rows_are_no_longer_than_the_longest_example_of_each_side():
    lengths = [(9, 2), (4, 1), (5, 1), (3, 7), (2, 2), (2, 2)]
    rows = rows_of_pairs(lengths, packed=True)
    assert sorted(number for row in rows for number in row) == list(range(len(lengths)))
    assert len(rows) < len(lengths)
    for row in rows:
        assert sum(lengths[number][0] for number in row) <= 9
        assert sum(lengths[number][1] for number in row) <= 7
    assert rows_of_pairs(lengths, packed=False) == [[number] for number in range(len(lengths))]


def test_micro_batches_add_up_to_the_whole_batch():
    model, examples = make_model(), some_examples()
    (whole,) = lay_out(examples, False)
    parts = lay_out(examples, False, micro=4)
    assert len(parts) == 5
    summed = sum(weighted_loss(model, part).item() for part in parts)
    assert summed == pytest.approx(weighted_loss(model, whole).item(), rel=1e-6)
    assert sum(part.weights.sum().item() for part in parts) == pytest.approx(1.0)


def test_example_weights_give_every_example_the_same_share():
    examples = some_examples()
    (batch,) = lay_out(examples, True, normalisation="example")
    for number in range(len(examples)):
        share = batch.weights[batch.label_documents == number].sum().item()
        assert share == pytest.approx(1 / len(examples))


def test_a_saved_model_is_the_same_model(tmp_path):
    model = make_model("t5", tie_word_embeddings=False)
    save_model(model, make_tokenizer(), tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.config.decoder_start_token_id == 0
    (batch,) = lay_out(some_examples(), True)
    assert torch.equal(token_losses(model, batch), token_losses(loaded, batch))


@pytest.fixture
def results(tmp_path):
    """The nodes of `small_nodes` with a T5 as base."""
    make_nodes(tmp_path)
    base = tmp_path / "bases" / "base"
    for file in base.iterdir():
        file.unlink()
    publish(base, "base.json", {}, save_model(make_model(), make_tokenizer(), base))
    return tmp_path


def run(results, node, seconds=1e9, **spec):
    return train_stage(node, stage_spec(family="seq2seq", **spec), results, "code", seconds)


def test_a_stage_cut_at_a_step_goes_on_to_the_same_weights(results, monkeypatch):
    whole = run(results, "whole")
    take_step = stage_module.train.__globals__["take_step"]

    def stopping(stage, *rest):
        if stage.step == 4:
            raise KeyboardInterrupt
        take_step(stage, *rest)

    with monkeypatch.context() as patch:
        patch.setitem(stage_module.train.__globals__, "take_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(results, "cut", seconds=0.0)
    resumed = run(results, "cut")
    for key in ("model.safetensors", "training.csv"):
        assert resumed["files"][key] == whole["files"][key]
    assert (resumed["tokens"], resumed["flops"]) == (whole["tokens"], whole["flops"])
    losses = np.loadtxt(results / "stages" / "whole" / "training.csv", delimiter=",", skiprows=1)
    assert losses[-1, 1] < losses[0, 1]


def test_a_base_built_on_a_source_is_what_its_stages_expect(results):
    data = results / "data" / "data"
    make_tokenizer().save_pretrained(data / "tokenizer")
    publish(data, "data.json", {}, ["one.jsonl", "tokenizer/tokenizer.json"])
    component = {
        "data": "data",
        "task": "corpus",
        "template": "{prompt}",
        "delimiter": " ",
        "count": None,
        "draw": 0,
    }
    spec = {
        "kind": "base",
        "family": "seq2seq",
        "architecture": "t5",
        "config": {**CONFIG, "num_heads": 2, "start": START},
        "data": "data",
        "mixture": [{**component, "file": "one.jsonl"}],
        "recipe": RECIPE,
        "base_seed": 0,
        "attempts": 1,
        "floors": {},
    }
    made = train_base("built", spec, results, "code", 1e9, lambda directory, store: {})
    assert made["steps"] == 10
    directory = results / "bases" / "built"
    tokenizer = load_tokenizer(directory)
    assert tokenizer("red")["input_ids"][-1] == tokenizer.eos_token_id
    assert load_model(directory).config.decoder_start_token_id == tokenizer.pad_token_id
    # A prompt and a response, each with its end token.
    rows = read_rows(data / "one.jsonl")
    words = sum(len(f"{row['prompt']} {row['response']}".split()) for row in rows)
    assert made["tokens"] == run(results, "next", parent="built")["tokens"] == 2 * (words + 40)


def test_operations_are_counted_by_the_side_that_a_token_goes_through(results):
    manifest = run(results, "stage")
    model = make_model()
    encoder = sum(p.numel() for p in model.encoder.parameters()) - model.shared.weight.numel()
    # Two passes over 20 prompts and responses, each with one special token.
    rows = read_rows(results / "data" / "data" / "one.jsonl")
    prompts = sum(len(row["prompt"].split()) + 1 for row in rows)
    responses = sum(len(row["response"].split()) + 1 for row in rows)
    rest = manifest["parameters"] - encoder
    assert manifest["tokens"] == 2 * (prompts + responses)
    assert manifest["flops"] == 6 * 2 * (encoder * prompts + rest * responses)


def test_a_model_of_the_other_family_is_refused(results):
    with pytest.raises(UserError, match="expected a model of family 'causal', found 'seq2seq'"):
        train_stage("stage", stage_spec(), results, "code", 1e9)
    assert not (results / "stages" / "stage").exists()


def test_the_same_seed_builds_the_same_model():
    tokenizer = make_tokenizer()
    models = [
        build(
            "t5",
            {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2},
            tokenizer,
            seed,
        )
        for seed in (1, 1, 2)
    ]
    first, again, other = (model.shared.weight for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
