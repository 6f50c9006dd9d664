"""What a checkpoint's files hold is what is scored, trained on and saved, however it is tied."""

import logging
import shutil

import pytest
import torch
from lm_eval.models.huggingface import HFLM
from plain_reference import FAMILY, random_model, tokenizer_of
from safetensors.torch import load_file, save_file
from small_nodes import make_nodes, stage_spec

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.local_files import checkpoint_digest
from lethe.artefacts.manifests import publish
from lethe.errors import UserError
from lethe.evaluation.checkpoint import open_checkpoint
from lethe.evaluation.engines.registry import wrap
from lethe.models.as_loaded import kept_apart
from lethe.models.kinds import KINDS
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.training.ready_made import publish_ready_made
from lethe.training.stage import train_stage

WEIGHTS = "model.safetensors"
T5_LIKE = ("t5", "mt5")
# One of each way to tie; the first test has all of them.
SOME = ("llama", "gpt2", "t5", "mt5", "roberta", "bert")
# T5 and mT5 are tied whatever their configuration says; transformers decides that.
CAN_BE_UNTIED = [name for name in SOME if name not in T5_LIKE]


def logits_of(model) -> torch.Tensor:
    """Logits [1, 6, vocabulary] of a fixed text."""
    inputs = {"input_ids": torch.tensor([[2, 5, 7, 6, 9, 3]])}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.tensor([[0, 4, 8, 5, 7, 6]])
    with torch.no_grad():
        return model.eval()(**inputs).logits


def with_second_matrix(kind: str, name: str):
    """A model whose configuration ties its embeddings, with another matrix in one place.

    As after an adapter on that place was merged into the weights.
    """
    model = random_model(kind, None, tie_word_embeddings=True)
    places = {"head": model.get_output_embeddings(), "input": model.get_input_embeddings()}
    if kind in T5_LIKE:
        places["input"] = model.encoder.embed_tokens
    changed = places[name]
    torch.manual_seed(1)
    noise = 0.5 * torch.randn_like(changed.weight)
    changed.weight = torch.nn.Parameter(changed.weight.detach() + noise)
    return model


def written(model, folder, family: str):
    """The folder, with the model as its files."""
    model.config.architectures = [type(model).__name__]
    save_model(model, tokenizer_of(family), folder)
    return folder


def scored_everywhere(folder, expected: torch.Tensor) -> None:
    """The same logits after loading, in both engines, and after saving and loading again."""
    assert torch.equal(logits_of(load_model(folder)), expected)
    for engine in ("fast", "stock"):
        model, tokenizer = open_checkpoint(folder, "float32")
        assert torch.equal(logits_of(wrap(model, tokenizer, 4, engine).model), expected), engine
    again = folder.parent / "again"
    save_model(load_model(folder), tokenizer_of("causal"), again)
    assert torch.equal(logits_of(load_model(again)), expected)


def is_tied(model) -> bool:
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("place", ["head", "input"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_second_matrix_in_the_file_is_scored_as_it_was_loaded(tmp_path, kind, place):
    model = with_second_matrix(kind, place)
    expected = logits_of(model)
    scored_everywhere(written(model, tmp_path / "model", FAMILY[kind]), expected)


@pytest.mark.parametrize("kind", SOME)
def test_lm_evals_own_class_scores_a_loaded_model_as_it_was_loaded(tmp_path, kind):
    model = with_second_matrix(kind, "head")
    expected = logits_of(model)
    loaded = load_model(written(model, tmp_path, FAMILY[kind]))
    backend = "seq2seq" if FAMILY[kind] == "seq2seq" else "causal"
    harness = HFLM(loaded, tokenizer=tokenizer_of(FAMILY[kind]), backend=backend)
    assert torch.equal(logits_of(harness.model), expected)


@pytest.mark.parametrize("kind", SOME)
def test_a_tied_model_stays_tied(tmp_path, kind):
    model = random_model(kind, None, tie_word_embeddings=True)
    folder = written(model, tmp_path / "model", FAMILY[kind])
    scored_everywhere(folder, logits_of(model))
    assert is_tied(load_model(folder))


@pytest.mark.parametrize("kind", SOME)
def test_a_tied_model_whose_file_has_one_matrix_twice_or_under_the_other_name_is_tied(
    tmp_path, kind
):
    model = random_model(kind, None, tie_word_embeddings=True)
    expected = logits_of(model)
    folder = written(model, tmp_path / "model", FAMILY[kind])
    stored = load_file(folder / WEIGHTS)
    # Of all names of the embeddings: the one in the file, and one that is not in it.
    names = model.state_dict(keep_vars=True)
    embeddings = model.get_input_embeddings().weight
    one = next(name for name in stored if names[name] is embeddings)
    other = next(name for name in names if names[name] is embeddings and name not in stored)
    twice = {**stored, other: stored[one].clone()}
    renamed = {name: tensor for name, tensor in twice.items() if name != one}
    for tensors in (twice, renamed):
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        scored_everywhere(folder, expected)
        assert is_tied(load_model(folder))
        assert not kept_apart(load_model(folder))


@pytest.mark.parametrize("kind", CAN_BE_UNTIED)
def test_an_untied_model_stays_untied_even_if_its_matrices_are_equal(tmp_path, kind):
    model = random_model(kind, None, tie_word_embeddings=False)
    equal = model.get_input_embeddings().weight.detach().clone()
    model.get_output_embeddings().weight = torch.nn.Parameter(equal)
    folder = written(model, tmp_path / "model", FAMILY[kind])
    scored_everywhere(folder, logits_of(model))
    assert not is_tied(load_model(folder))
    assert not kept_apart(load_model(folder))


@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "lm_head.weight"])
def test_an_untied_model_that_lacks_a_matrix_is_refused(tmp_path, name):
    model = random_model("llama", None, tie_word_embeddings=False)
    folder = written(model, tmp_path, "causal")
    tensors = load_file(folder / WEIGHTS)
    del tensors[name]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"the weights lack {name}") as told:
        load_model(folder)
    if name == "lm_head.weight":
        assert "set `tie_word_embeddings: true`" in str(told.value)


def imported_base(results, kind: str):
    """The manifest of the base `base`, imported from a folder with a second matrix."""
    source = written(with_second_matrix(kind, "head"), results / "source", FAMILY[kind])
    sha256 = checkpoint_digest(str(source), "import")
    spec = {"kind": "base", "family": FAMILY[kind], "source": "import", "path": str(source)}
    return publish_ready_made("base", {**spec, "sha256": sha256}, results, "code")


@pytest.mark.parametrize("kind", ["llama", "t5", "roberta"])
def test_a_stage_keeps_two_matrices_apart_and_the_base_says_that_there_are_two(
    tmp_path, caplog, monkeypatch, kind
):
    make_nodes(tmp_path)
    shutil.rmtree(tmp_path / "bases")
    with caplog.at_level(logging.WARNING):
        manifest = imported_base(tmp_path, kind)
    (warning,) = manifest["warnings"]
    assert "the weights hold two different matrices" in warning and warning in caplog.text
    trained = {}

    def save(model, tokenizer, directory, *rest):
        trained[directory.name] = logits_of(model)
        return save_model(model, tokenizer, directory, *rest)

    monkeypatch.setattr("lethe.training.stage.save_model", save)
    # Documents, which every family learns.
    component = {"task": "texts", "data": "data", "template": "{prompt}", "delimiter": " "}
    component |= {"file": "texts.jsonl", "count": None, "draw": 0}
    write_rows(
        tmp_path / "data" / "data" / "texts.jsonl",
        [{"id": str(n), "text": text} for n, text in enumerate(["red cat runs", "a dog eats"] * 8)],
    )
    publish(tmp_path / "data" / "data", "data.json", {}, ["texts.jsonl"])
    spec = {"family": FAMILY[kind], "mixture": [component], "recipe": {"mask_share": 0.3}}
    for parent, node in (("base", "first"), ("first", "second")):
        train_stage(node, stage_spec(parent=parent, **spec), tmp_path, "code", 60)
        folder = tmp_path / "stages" / node
        assert not is_tied(load_model(folder))
        (logits,) = [trained.pop(name) for name in list(trained)]
        scored_everywhere(folder, logits)


def test_weights_that_are_not_numbers_are_refused_when_loaded(tmp_path):
    for value in (float("nan"), float("inf"), float("-inf")):
        model = random_model("llama", None)
        # A token that no text has: the logits of most texts would be finite.
        model.get_input_embeddings().weight.data[-1, 3] = value
        folder = written(model, tmp_path, "causal")
        with pytest.raises(UserError, match="model.embed_tokens.weight holds NaN or infinity"):
            load_model(folder)
