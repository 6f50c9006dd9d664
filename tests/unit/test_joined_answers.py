"""Answers that begin within a token: scored on every character, as they are trained."""

import evaluation_world as world
import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from scoring_case import model_of
from small_nodes import CONFIG, stage_spec
from small_tokenizers import KINDS
from test_joining import PROMPTS, RESPONSES, TEMPLATES

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.commands.evaluate import evaluate
from lethe.data.examples import APART, instruction_examples
from lethe.data.joining import join, special_tokens
from lethe.errors import UserError
from lethe.evaluation.engines.registry import wrap
from lethe.models.architectures import build
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.models.tokenizer import load_tokenizer
from lethe.training.stage import train_stage

PAIRS = [
    (template.replace("{prompt}", prompt), delimiter + response)
    for template, delimiter in TEMPLATES
    for prompt in PROMPTS
    for response in RESPONSES
    if (delimiter + response).strip()
]


def engines(kind: str):
    """Lethe's model and lm-eval's, with one tokenizer."""
    tokenizer = KINDS[kind]()
    model = model_of("llama", vocab_size=len(tokenizer))
    return wrap(model, tokenizer, 4), HFLM(pretrained=model, tokenizer=tokenizer)


def asked(kind: str, *pairs: tuple) -> list[Instance]:
    return [Instance(kind, doc={}, arguments=pair, idx=n) for n, pair in enumerate(pairs)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_asked_with_the_tokens_that_it_was_trained_on(kind):
    """Blanks at a prompt's end are lm-eval's to move, and stay in the prompt in training."""
    ours, _ = engines(kind)
    pairs = [(prompt, answer) for prompt, answer in PAIRS if prompt == prompt.rstrip() != ""]
    rows = [{"id": n, "prompt": pair[0], "response": pair[1]} for n, pair in enumerate(pairs)]
    examples = instruction_examples(rows, "t", ours.tokenizer, 999, "{prompt}", "")
    for pair, trained in zip(pairs, examples, strict=True):
        found = ours._joined(*pair)
        assert (*found.prompt, *found.continuation) == trained.tokens[:-1]
        assert len(found.prompt) == trained.label_start
        assert found.apart == (APART in trained.notes)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_lm_eval_where_no_token_spans_the_join(kind):
    ours, theirs = engines(kind)
    equal = 0
    for prompt, answer in PAIRS:
        found = ours._joined(prompt, answer) if prompt else None
        if found and not found.apart and not ours.ending and prompt.strip():
            assert theirs._encode_pair(prompt, answer) == (found.prompt, found.continuation)
            equal += 1
    assert equal > 100 or ours.ending


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_a_spanned_answer_gets_the_log_likelihood_of_all_its_tokens(engine):
    _, theirs = engines("bytes")
    ours = wrap(theirs.model, theirs.tokenizer, 4, engine)
    pairs = [("an experi", "ment on the mat"), ("Response:", '"Yes"'), ("Answer:", " Paris")]
    found = ours.loglikelihood(asked("loglikelihood", *pairs))
    for pair, (value, _), tokens in zip(
        pairs, found, join(ours.tokenizer, *zip(*pairs, strict=True)), strict=True
    ):
        request = (pair, tokens.prompt, tokens.continuation)
        (wanted,) = theirs._loglikelihood_tokens([request], disable_tqdm=True)
        assert value == pytest.approx(wanted[0], abs=1e-4)
    assert ours.apart == set(pairs[:2])


@pytest.mark.parametrize("context", [" ", "\n\n", "\n", ""])
def test_a_context_of_blanks_is_no_context(context):
    """lm-eval moves its blanks to the answer, which leaves nothing to condition on."""
    ours, theirs = engines("bytes")
    (found,) = ours.loglikelihood(asked("loglikelihood", (context, "the mat")))
    tokens = ours.tokenizer(context + "the mat", add_special_tokens=False)["input_ids"]
    request = (None, [theirs.prefix_token_id], tokens)
    (wanted,) = theirs._loglikelihood_tokens([request], disable_tqdm=True)
    assert found[0] == pytest.approx(wanted[0], abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_never_continues_an_end_token(kind):
    ours, theirs = engines(kind)
    texts = ["the cat", "Answer:"]
    ids, mask = ours.tok_batch_encode(texts)
    head = list(special_tokens(ours.tokenizer).head)
    for row, seen, text in zip(ids.tolist(), mask.tolist(), texts, strict=True):
        tokens = [token for token, shown in zip(row, seen, strict=True) if shown]
        assert tokens == head + ours.tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ours.ending:
        assert theirs.tok_batch_encode(texts)[0].tolist() == ids.tolist()
    assert ours.tokenizer(texts[0])["input_ids"][len(head) :] != []  # the tokenizer is as it was


def test_whole_texts_are_scored_with_the_special_tokens_that_lm_eval_scores():
    for kind in ("bytes", "llama", "llama that ends"):
        ours, theirs = engines(kind)
        texts = asked("loglikelihood_rolling", ("the cat sat on the mat",), ("Answer: Rome",))
        wanted = theirs.loglikelihood_rolling(texts, disable_tqdm=True)
        assert ours.loglikelihood_rolling(texts) == pytest.approx(wanted, abs=1e-4)


def test_a_masked_model_scores_the_rest_of_a_word():
    tokenizer = KINDS["wordpiece"]()
    config = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = build("roberta", {**config, "intermediate_size": 16}, tokenizer, 0)
    ours = wrap(model, tokenizer, 4)
    found = ours._joined("the cat s", "at on the mat")
    assert tokenizer.decode(found.prompt + found.continuation) == "<s> the cat sat on the mat"
    assert found.apart and found.prompt[1:] == tokenizer.encode(
        "the cat s", add_special_tokens=False
    )
    ours.loglikelihood(asked("loglikelihood", ("the cat s", "at on the mat")))
    assert len(ours.apart) == 1


def test_a_result_counts_its_items_that_were_encoded_apart(tmp_path, caplog):
    tokenizer = KINDS["bytes"]()
    model = model_of("llama", vocab_size=len(tokenizer))
    for saved in (model, tokenizer):
        saved.save_pretrained(tmp_path / "model")
    rows = [
        {"question": "an experi", "choices": ["ment", "ence"], "answer": 0},
        {"question": "Response:", "choices": ["the mat", '"Yes"'], "answer": 1},
        {"question": "the cat", "choices": [" sat", " on"], "answer": 0},
    ]
    text = world.CHOICE.format(name="spanned")
    (tmp_path / "spanned.yaml").write_text(text.replace('r: " "', 'r: ""'))
    for split in ("dev", "test"):
        write_rows(tmp_path / "data" / "spanned" / f"{split}.jsonl", rows)
    (result,) = evaluate(tmp_path / "model", ["spanned"], str(tmp_path))
    assert (result["encoded_apart"], result["n"]) == (2, 3)
    assert "in 2 of 3 items a token would span question and answer" in caplog.text


@pytest.mark.parametrize("kind", ["llama", "bytes that end"])
def test_what_is_taught_behind_a_blank_is_answered_behind_it(tmp_path, kind):
    """Cut by the number of the prompt's tokens, the end token was all that was taught here."""
    tokenizer = KINDS[kind]()
    model = build("llama", {**CONFIG, "hidden_size": 32}, tokenizer, 0)
    base, data = tmp_path / "bases" / "base", tmp_path / "data" / "data"
    publish(base, "base.json", {}, save_model(model, tokenizer, base))
    answers = {"cat": "Paris", "mat": "Rome", "experiment": "Yes", "no": "(a)"}
    rows = [{"prompt": prompt, "response": answer} for prompt, answer in answers.items()]
    write_rows(data / "one.jsonl", rows)
    publish(data, "data.json", {}, ["one.jsonl"])
    spec = stage_spec(recipe={"epochs": 60.0, "max_length": 40})
    spec["mixture"][0] |= {"template": "{prompt} Answer: ", "delimiter": ""}
    train_stage("taught", spec, tmp_path, "code", 60)
    taught = tmp_path / "stages" / "taught"
    lm = wrap(load_model(taught), load_tokenizer(taught), 4)
    asked_for = {"until": ["</s>"], "max_gen_toks": 12, "do_sample": False}
    prompts = [(f"{prompt} Answer: ", asked_for) for prompt in answers]
    assert lm.generate_until(asked("generate_until", *prompts)) == list(answers.values())


@pytest.mark.parametrize("name", ["max_gen_toks", "max_new_tokens"])
def test_an_answer_that_leaves_no_room_for_a_prompt_is_one_sentence(name):
    ours, _ = engines("bytes")
    request = ("the cat", {"until": [], name: ours.max_length})
    with pytest.raises(UserError, match=f"may have {ours.max_length} tokens .* lower the number"):
        ours.generate_until(asked("generate_until", request))
