"""Examples of real tokenizers: a response is learned by the very tokens that it is tested by."""

import pytest
from lm_eval.models.huggingface import HFLM

from lethe.data.examples import instruction_examples
from lethe.models.loading import load_model
from lethe.models.tokenizer import load_tokenizer

ROWS = [
    {"id": "1", "prompt": "the red cat sees", "response": "a small dog"},
    {"id": "2", "prompt": "a dog eats?", "response": "an old fish."},
]


@pytest.fixture(params=["bloom", "llama"])
def checkpoint(request, small_models, tmp_path):
    for name, content in small_models[request.param].items():
        if "/" not in name:
            (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_response_has_the_tokens_that_the_harness_scores(checkpoint):
    tokenizer = load_tokenizer(checkpoint)
    model = HFLM(pretrained=load_model(checkpoint), tokenizer=tokenizer)
    found = instruction_examples(ROWS, "one", tokenizer, 64, "{prompt}", " ")
    for row, example in zip(ROWS, found, strict=True):
        context, continuation = model._encode_pair(row["prompt"], " " + row["response"])
        assert list(example.tokens[: example.label_start]) == context
        end = [tokenizer.eos_token_id]
        assert list(example.tokens[example.label_start :]) == continuation + end


def test_a_long_prompt_is_cut_at_its_left_and_the_response_stays(checkpoint):
    tokenizer = load_tokenizer(checkpoint)
    (whole, _) = instruction_examples(ROWS, "one", tokenizer, 64, "{prompt}", " ")
    length = len(whole.tokens) - 2
    (cut, _) = instruction_examples(ROWS, "one", tokenizer, length, "{prompt}", " ")
    assert len(cut.tokens) == length
    assert cut.tokens[cut.label_start :] == whole.tokens[whole.label_start :]
    assert cut.tokens[0] == whole.tokens[0]
