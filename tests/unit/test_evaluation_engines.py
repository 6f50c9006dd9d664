"""Engines by name, and the stock engine: lm-eval's own model class, with sentences."""

from typing import get_args

import evaluation_world as world
import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from scoring_case import DECODERS, model_of, requests
from transformers.models.llama.modeling_llama import LlamaModel

from lethe.config.catalogue import Probe
from lethe.errors import UserError
from lethe.evaluation import specification
from lethe.evaluation.engines import prefix_tree
from lethe.evaluation.engines import registry as engines
from lethe.evaluation.engines.language_model import divided_once
from lethe.evaluation.engines.registry import wrap


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return world.write_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def scores(lm, asked) -> list:
    return lm._loglikelihood_tokens(asked, disable_tqdm=True)


@pytest.mark.parametrize("kind", DECODERS)
def test_the_stock_engine_is_lm_evals_own(kind, tokenizer):
    model = model_of(kind)
    asked = requests(1, 8) + [(None, [7, 8, 9] * 30, [5, 6])]
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3, softmax_dtype="float32")
    assert scores(wrap(model, tokenizer, 3, "stock"), asked) == scores(theirs, asked)


def test_where_memory_runs_out_the_stock_engine_halves_its_batches(tokenizer, monkeypatch, caplog):
    model, asked = model_of("llama"), requests(2, 8)
    wanted = scores(wrap(model, tokenizer, 2, "stock"), asked)
    forward, tried = HFLM._model_call, []

    def small(self, inputs, *args, **kwargs):
        tried.append(len(inputs))
        if len(inputs) > 2:
            raise torch.OutOfMemoryError
        return forward(self, inputs, *args, **kwargs)

    monkeypatch.setattr(HFLM, "_model_call", small)
    assert scores(wrap(model, tokenizer, 8, "stock"), asked) == wanted
    assert [size for size in tried if size > 2] == [8, 4]
    assert "2 texts per batch from now on" in caplog.text


def fails(monkeypatch, error: Exception) -> None:
    """Let every forward pass fail."""

    def call(*_, **__):
        raise error

    monkeypatch.setattr(LlamaModel, "forward", call)


@pytest.mark.parametrize("engine", ["stock", "fast"])
@pytest.mark.parametrize("header", [[], list(range(5, 45))])  # short texts; one that is kept
def test_a_text_that_does_not_fit_by_itself_is_one_sentence(engine, header, tokenizer, monkeypatch):
    monkeypatch.setattr(prefix_tree, "PRICE_OF_KEEPING", 2)
    fails(monkeypatch, torch.OutOfMemoryError())
    asked = [(None, header + context, answer) for _, context, answer in requests(2, 6)]
    with pytest.raises(UserError, match="lacks the memory to score even one text"):
        scores(wrap(model_of("llama"), tokenizer, 2, engine), asked)


@pytest.mark.parametrize("engine", ["stock", "fast"])
def test_another_error_stays_what_it_is(engine, tokenizer, monkeypatch):
    fails(monkeypatch, RuntimeError("another one"))
    with pytest.raises(RuntimeError, match="another one"):
        scores(wrap(model_of("llama"), tokenizer, 2, engine), requests(2, 3))


@pytest.mark.parametrize("engine", ["stock", "fast"])
def test_texts_are_generated_in_smaller_batches_where_memory_runs_out(
    engine, tokenizer, monkeypatch
):
    asked = [
        Instance("generate_until", {}, (text, {"until": ["z"], "max_gen_toks": 4}), number)
        for number, text in enumerate(["the cat", "a dog", "the dog sees", "one"])
    ]
    lm = wrap(model_of("llama"), tokenizer, 4, engine)
    wanted = lm.generate_until(asked)
    generate = HFLM._model_generate

    def small(self, context, *given, **named):
        if len(context) > 1:
            raise torch.OutOfMemoryError
        return generate(self, context, *given, **named)

    monkeypatch.setattr(HFLM, "_model_generate", small)
    assert lm.generate_until(asked) == wanted
    assert lm.batch_size == 1


def test_a_text_has_one_length_of_its_answer_in_a_call():
    text = [1, 5, 6, 7]
    split = [(None, text[:n], text[n:]) for n in (1, 2, 3)]
    other = [(None, [1, 5, 6], [9]), (None, [1, 5], [6, 9])]  # the same input as the text's
    assert divided_once([*split, *other]) == [[0], [1, 4], [2, 3]]
    assert divided_once([split[0], split[0]]) == [[0, 1]]


@pytest.mark.parametrize("engine", ["packed", "slow"])
def test_an_unknown_engine_is_refused(engine, tokenizer):
    with pytest.raises(UserError, match=f"Expected the engine fast or stock, found '{engine}'"):
        wrap(model_of("llama"), tokenizer, 3, engine)


def test_the_engines_are_the_same_wherever_they_are_named():
    named = get_args(Probe.model_fields["engine"].annotation)
    assert tuple(engines.ENGINES) == specification.ENGINES == named
