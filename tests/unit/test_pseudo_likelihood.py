"""Pseudo-log-likelihoods: every token of an answer masked in turn, as a plain loop does it."""

import random

import evaluation_world as world
import pytest
import torch
from lm_eval.api.instance import Instance
from masked_model import masked_model, masked_tokenizer
from small_nodes import WORDS

from lethe.commands.evaluate import evaluate
from lethe.errors import UserError
from lethe.evaluation.engines import pseudo_likelihood
from lethe.evaluation.engines.pseudo_likelihood import Text
from lethe.evaluation.engines.registry import wrap
from lethe.models.saving import save_model


@torch.no_grad()
def one_at_a_time(model, text: Text, mask_token: int) -> tuple[float, bool]:
    """Salazar et al. 2020 by the letter."""
    total, greedy = 0.0, True
    for place in range(text.start, text.stop):
        tokens = list(text.tokens)
        tokens[place] = mask_token
        logits = model(torch.tensor([tokens])).logits[0, place]
        total += float(logits.log_softmax(-1)[text.tokens[place]])
        greedy &= int(logits.argmax()) == text.tokens[place]
    return total, greedy


def some_texts(n: int, vocabulary: int) -> list[Text]:
    generator = random.Random(4)
    texts = []
    for _ in range(n):
        words = [generator.randrange(5, vocabulary) for _ in range(generator.randint(1, 20))]
        start = generator.randint(1, len(words))
        texts.append(Text((0, *words, 2), start, generator.randint(start + 1, len(words) + 1)))
    return texts


@pytest.mark.parametrize("tokens", [1, 70, 10**4])
def test_batches_give_what_a_plain_loop_gives(tokens):
    model, tokenizer = masked_model().eval(), masked_tokenizer()
    mask = tokenizer.mask_token_id
    texts = some_texts(25, len(tokenizer))
    texts += texts[:2]
    # Texts that the model finds likeliest: a masked word filled in with its own best guess.
    for text in texts[:4]:
        place = text.start
        ids = torch.tensor([text.tokens])
        ids[0, place] = mask
        ids[0, place] = model(ids).logits[0, place].argmax()
        texts.append(Text(tuple(ids[0].tolist()), place, place + 1))
    found = pseudo_likelihood.score(model, texts, mask, tokenizer.pad_token_id, tokens)
    wanted = [one_at_a_time(model, text, mask) for text in texts]
    assert [value for value, _ in found] == pytest.approx([v for v, _ in wanted], abs=1e-4)
    assert [greedy for _, greedy in found] == [greedy for _, greedy in wanted]
    assert [greedy for _, greedy in found[-4:]] == [True] * 4


def test_no_row_is_computed_for_tokens_that_are_not_scored(monkeypatch):
    model, tokenizer = masked_model().eval(), masked_tokenizer()
    rows = []
    inner = model.base_model.forward

    def counted(*args, **kwargs):
        rows.append(len(kwargs["input_ids"]))
        return inner(*args, **kwargs)

    model.base_model.forward = counted
    texts = [Text((0, 7, 8, 9, 2), 2, 4), Text((0, 7, 8, 9, 2), 3, 4)]
    pseudo_likelihood.score(model, texts, tokenizer.mask_token_id, 1, 1000)
    assert rows == [2]


def asked(pairs: list[tuple[str, str]]) -> list[Instance]:
    return [
        Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=number)
        for number, pair in enumerate(pairs)
    ]


def test_context_and_answer_are_one_text_between_special_tokens():
    model, tokenizer = masked_model(), masked_tokenizer()
    one, two, three = WORDS[:3]
    lm = wrap(model, tokenizer, 8)
    pairs = [(f"{one} {two}", f" {three}"), ("", f"{two} {three}"), (f"{one} ", two)]
    found = lm.loglikelihood(asked(pairs))
    ids = tokenizer.convert_tokens_to_ids([one, two, three])
    texts = [
        Text((0, *ids, 2), 3, 4),
        Text((0, *ids[1:], 2), 1, 3),
        Text((0, *ids[:2], 2), 2, 3),
    ]
    wanted = [one_at_a_time(model, text, tokenizer.mask_token_id)[0] for text in texts]
    assert [value for value, _ in found] == pytest.approx(wanted, abs=1e-5)
    (rolled,) = lm.loglikelihood_rolling(
        [Instance("loglikelihood_rolling", {}, (f"{two} {three}",), 0)]
    )
    assert rolled == pytest.approx(wanted[1], abs=1e-5)


def test_a_long_context_loses_its_beginning_and_says_so(caplog):
    model, tokenizer = masked_model(), masked_tokenizer()  # 40 positions, of which 38 are used
    words = [WORDS[n % len(WORDS)] for n in range(60)]
    lm = wrap(model, tokenizer, 8)
    (long,) = lm.loglikelihood(asked([(" ".join(words), f" {WORDS[0]}")]))
    assert "A question of 61 tokens exceeds the model's 36" in caplog.text
    (cut,) = lm.loglikelihood(asked([(" ".join(words[-35:]), f" {WORDS[0]}")]))
    assert long == cut


def test_what_cannot_be_scored_is_a_sentence():
    model, tokenizer = masked_model(), masked_tokenizer()
    lm = wrap(model, tokenizer, 8)
    with pytest.raises(UserError, match="An answer without tokens"):
        lm.loglikelihood(asked([("", " ")]))
    with pytest.raises(UserError, match="An answer of 37 tokens is longer than the model's 36"):
        lm.loglikelihood(asked([("", " ".join([WORDS[0]] * 37))]))
    with pytest.raises(UserError, match="cannot generate text"):
        lm.generate_until([])
    tokenizer.mask_token = None
    with pytest.raises(UserError, match="has no mask token"):
        wrap(model, tokenizer, 8)


def test_a_masked_checkpoint_is_scored_on_lm_eval_tasks(tmp_path):
    from lethe.models.architectures import build
    from lethe.sources.domains.tokens import make_tokenizer

    tokenizer = make_tokenizer(["?", *world.WORDS])
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 16, "max_position_embeddings": 60}
    model = build("roberta", sizes, tokenizer, 0)
    (tmp_path / "checkpoint").mkdir()
    save_model(model, tokenizer, tmp_path / "checkpoint")
    world.write_task(tmp_path / "eval", "know", world.CHOICE, world.choice_rows)
    (result,) = evaluate(tmp_path / "checkpoint", ["know"], str(tmp_path / "eval"))
    assert result["n"] == 12
    model.eval()
    row = world.choice_rows(sum(map(ord, "know")), 12)[0]
    gold = row["choices"][row["answer"]].split()
    tokens = tokenizer.convert_tokens_to_ids([*row["question"].split(), *gold])
    text = Text((0, *tokens, 2), len(tokens) + 1 - len(gold), len(tokens) + 1)
    wanted, _ = one_at_a_time(model, text, tokenizer.mask_token_id)
    assert result["items"][0]["gold_logprob"] == pytest.approx(wanted, abs=1e-4)
