"""Scoring of encoder-decoders: equal to lm-eval's own scores, and what training puts where."""

import random

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from seq2seq_model import make_model, sentence
from small_nodes import make_tokenizer

from lethe.data.encoding import encode_rows
from lethe.data.seq2seq_batches import collate
from lethe.evaluation.engines import packed_answers
from lethe.evaluation.engines.registry import wrap
from lethe.models.forward import token_losses
from lethe.models.kinds import KINDS

MODELS = [
    ("t5", {"initializer_factor": 2.0}),
    ("t5", {"tie_word_embeddings": False}),
    ("mt5", {"initializer_factor": 0.5}),
]


def test_every_encoder_decoder_that_the_fast_engine_scores_is_tested_here():
    scored = {n for n, kind in KINDS.items() if kind.shares_prefixes and kind.family == "seq2seq"}
    assert {architecture for architecture, _ in MODELS} == scored


@pytest.fixture(scope="module")
def texts():
    """Contexts, one in five empty, with two to four continuations each."""
    import numpy as np

    generator, shape = np.random.default_rng(2), random.Random(2)
    found = []
    for number in range(20):
        context = sentence(generator, shape.choice([1, 6, 15])) if number % 5 else ""
        for _ in range(shape.randint(2, 4)):
            words = sentence(generator, shape.choice([1, 1, 3, 6]))
            found.append((context, f" {words}" if context else words))
    return found


def loglikelihood(lm, texts):
    asked = [
        Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=number)
        for number, pair in enumerate(texts)
    ]
    return lm.loglikelihood(asked, disable_tqdm=True)


def generate(lm, texts):
    settings = {"until": ["</s>"], "max_gen_toks": 9, "do_sample": False}
    asked = [
        Instance(request_type="generate_until", doc={}, arguments=(text, settings), idx=number)
        for number, text in enumerate(texts)
    ]
    return lm.generate_until(asked, disable_tqdm=True)


@pytest.mark.parametrize("engine", ["stock", "fast"])
@pytest.mark.parametrize(("architecture", "changes"), MODELS)
def test_log_likelihoods_equal_lm_evals_own(architecture, changes, engine, texts, monkeypatch):
    monkeypatch.setattr(packed_answers, "LONGEST", 13)  # so that some contexts have several rows
    tokenizer, model = make_tokenizer(), make_model(architecture, **changes)
    theirs = loglikelihood(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=7), texts)
    ours = loglikelihood(wrap(model, tokenizer, batch_size=5, engine=engine), texts)
    assert len({value for value, _ in theirs}) > len(texts) // 2
    for (value, greedy), (other, other_greedy) in zip(ours, theirs, strict=True):
        assert value == pytest.approx(other, abs=1e-4)
        assert greedy == other_greedy


@pytest.mark.parametrize("engine", ["stock", "fast"])
def test_greedy_answers_are_found_to_be_greedy(engine, texts):
    """Continuations that the model itself would give, beside those of the other tests."""
    tokenizer, model = make_tokenizer(), make_model("t5", initializer_factor=2.0)
    found = []
    for context in sorted({context for context, _ in texts if context}):
        ids = torch.tensor([tokenizer(context)["input_ids"]])
        made = model.generate(ids, max_new_tokens=3, do_sample=False, min_new_tokens=3)[0, 1:]
        found.append((context, " " + tokenizer.decode(made)))
    ours = loglikelihood(wrap(model, tokenizer, batch_size=5, engine=engine), found)
    theirs = loglikelihood(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=5), found)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]
    assert any(greedy for _, greedy in ours)


def test_a_context_is_encoded_once_and_answers_that_differ_at_their_end_share_a_row():
    asked = [(None, [5, 6, 7, 2], [8, 9, n]) for n in range(4)] + [(None, [5, 6, 7, 2], [4])]
    (row,) = packed_answers.rows_of(asked, 0, 512)
    assert row.context == (5, 6, 7, 2)
    assert row.tokens == [0, 8, 9, 0]
    assert row.segments == [0, 0, 0, 3]
    assert [one.sources for one in row.wanted] == [[0, 1, 2]] * 4 + [[3]]


@pytest.mark.parametrize(
    ("architecture", "changes"), [*MODELS[:2], ("mt5", {"initializer_factor": 1.5})]
)
def test_generated_texts_equal_lm_evals_own(architecture, changes, texts):
    tokenizer, model = make_tokenizer(), make_model(architecture, **changes)
    prompts = sorted({context for context, _ in texts if context})
    theirs = generate(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4), prompts)
    assert generate(wrap(model, tokenizer, batch_size=4), prompts) == theirs
    assert any(theirs)


@pytest.mark.parametrize("engine", ["stock", "fast"])
def test_a_context_too_long_for_the_model_is_cut_as_lm_eval_cuts_it(engine, caplog):
    tokenizer = make_tokenizer()
    model = make_model(n_positions=8)
    asked = [(None, [2, 5, 6, 7, 8] * 5, [9, 10]), (None, [2, 5, 6], [7])]
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=2)
    assert theirs.max_length == 8
    wanted = theirs._loglikelihood_tokens(asked, disable_tqdm=True)
    ours = wrap(model, tokenizer, batch_size=2, engine=engine)._loglikelihood_tokens(asked)
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in wanted], abs=1e-4)
    assert ("of 25 tokens exceeds the model's 8; it was truncated" in caplog.text) == (
        engine == "fast"
    )


def test_lm_eval_scores_a_question_as_training_does(texts):
    """The log-likelihood of an answer and of a bare sentence is minus the training loss of it."""
    tokenizer, model = make_tokenizer(), make_model("t5", initializer_factor=2.0)
    scores = loglikelihood(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=7), texts)
    for number, ((context, words), (value, _)) in enumerate(zip(texts, scores, strict=True)):
        row = {"id": str(number), "prompt": context, "response": words.strip()}
        (example,) = encode_rows([row], "t", tokenizer, 24, "{prompt}", "seq2seq")
        settings = {"packed": True, "normalisation": "token"}
        (batch,) = collate([example], **settings, pad_token=0, start_token=0)
        losses = token_losses(model, batch)
        # All but the end token, which lm-eval does not ask for. Such sharp weights make either's
        # rounding 1e-4 of values up to 70.
        assert -losses[:-1].sum().item() == pytest.approx(value, rel=1e-5, abs=1e-4)
