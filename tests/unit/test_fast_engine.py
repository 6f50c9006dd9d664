"""The fast engine: what texts begin with alike is computed once, the scores are lm-eval's own."""

import random

import evaluation_world as world
import pytest
import torch
from lm_eval.models.huggingface import HFLM
from scoring_case import DECODERS, model_of, requests

from lethe.errors import UserError
from lethe.evaluation.engines import prefix_tree
from lethe.evaluation.engines.fast_model import why_stock
from lethe.evaluation.engines.registry import wrap
from lethe.models.kinds import KINDS

PRICES = {"nothing kept": 10**6, "much kept": 2}
COVERED = [kind for kind in DECODERS if KINDS[kind].shares_prefixes]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return world.write_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture
def price(request, monkeypatch):
    """What keeping tokens costs; the tests' texts are too short to be worth the usual price."""
    monkeypatch.setattr(prefix_tree, "PRICE_OF_KEEPING", PRICES[request.param])
    monkeypatch.setattr(prefix_tree, "LEAST_KEPT", 2)


def headed(seed: int, shared: int, questions: int) -> list[tuple]:
    """Questions behind headers of which the second begins like the first; choices of all kinds."""
    generator = random.Random(seed)

    def draw(n):
        return [generator.randrange(4, 60) for _ in range(n)]

    header, found = [1, *draw(shared)], []
    for start in (header, header[: shared // 2] + draw(shared)):
        for _ in range(questions):
            context = start + draw(generator.randint(1, 9))
            found += [(None, context, [letter]) for letter in (5, 6, 7)]
            found += [(None, context, draw(generator.randint(1, 5))) for _ in range(2)]
    return found


def mixed() -> list[tuple]:
    """Every case at once: headers, bare sentences, repeats, and one text too long for a model."""
    asked = headed(0, 22, 6) + requests(1, 8)
    asked += [(None, [1], answer) for _, _, answer in requests(2, 6)]
    asked += asked[:3]
    return asked + [(None, [7, 8, 9] * 30, [5, 6]), (None, [1, *[7, 8, 9] * 30], [5, 6, 7])]


@torch.no_grad()
def likeliest(model, context: list[int]) -> tuple:
    """A request for the two tokens that the model itself would give."""
    text = list(context)
    for _ in range(2):
        text.append(int(model(torch.tensor([text])).logits[0, -1].argmax()))
    return (None, context, text[-2:])


def agree(ours, theirs) -> None:
    assert [value for value, _ in ours] == pytest.approx([v for v, _ in theirs], abs=1e-4)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


@pytest.mark.parametrize("price", PRICES, indirect=True)
@pytest.mark.parametrize("kind", COVERED)
def test_scores_equal_lm_evals_own(kind, price, tokenizer, caplog):
    model, asked = model_of(kind), mixed()
    asked += [likeliest(model, context) for _, context, _ in asked[:12:5]]
    stock = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3)
    theirs = stock._loglikelihood_tokens(asked, disable_tqdm=True)
    fast = wrap(model, tokenizer, 3, "fast")
    fast.tokens = 150  # many batches
    caplog.clear()
    agree(fast._loglikelihood_tokens(asked), theirs)
    assert "truncated on the left" in caplog.text or stock.max_length > 100
    assert why_stock(model) is None
    assert sum(greedy for _, greedy in theirs) >= 3
    assert len({round(value, 3) for value, _ in theirs}) > len(asked) // 2


def test_one_text_divided_at_different_places_is_scored_as_each_is_alone(tokenizer):
    """lm-eval 0.4.13 itself reads the wrong positions when these come in one call."""
    model, text = model_of("llama"), [1, 5, 6, 7, 8]
    asked = [(None, text[:n], text[n:]) for n in (1, 2, 3, 4)]
    stock = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3)
    theirs = [stock._loglikelihood_tokens([one], disable_tqdm=True)[0] for one in asked]
    for engine in ("stock", "fast"):
        agree(wrap(model, tokenizer, 3, engine)._loglikelihood_tokens(asked), theirs)


@pytest.mark.parametrize("kind", ["llama", "bloom", "opt"])
def test_a_header_goes_through_the_model_once(kind, tokenizer, monkeypatch):
    monkeypatch.setattr(prefix_tree, "PRICE_OF_KEEPING", 2)
    model = model_of(kind)
    asked = [one for one in headed(3, 40, 12) if len(one[1]) < 60][:60]
    read = []
    inputs = model.base_model.forward

    def counted(*args, **kwargs):
        read.append(kwargs["input_ids"])
        return inputs(*args, **kwargs)

    model.base_model.forward = counted
    wrap(model, tokenizer, 3, "fast")._loglikelihood_tokens(asked)
    inner = asked[0][1][10:14]  # of the first header
    times = sum(
        row[i : i + 4] == inner for ids in read for row in ids.tolist() for i in range(len(row))
    )
    assert times == 1


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_both_attentions_of_transformers_are_known(implementation, tokenizer):
    model = model_of("llama")
    model.config._attn_implementation = implementation
    stock = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3)
    asked = headed(4, 20, 4)
    theirs = stock._loglikelihood_tokens(asked, disable_tqdm=True)
    agree(wrap(model, tokenizer, 3, "fast")._loglikelihood_tokens(asked), theirs)


def test_half_precision_is_as_near_to_the_truth_as_the_stock_engine(tokenizer):
    asked = headed(5, 20, 4)
    exact = wrap(model_of("llama"), tokenizer, 4, "stock")._loglikelihood_tokens(asked)
    model = model_of("llama").to(torch.bfloat16)
    apart = {}
    for engine in ("stock", "fast"):
        found = wrap(model, tokenizer, 4, engine)._loglikelihood_tokens(asked)
        apart[engine] = max(abs(a - b) for (a, _), (b, _) in zip(found, exact, strict=True))
    assert 0 < apart["fast"] < 2 * apart["stock"]


UNCOVERED = [
    ("mistral", {"sliding_window": 6}, "sliding window"),
    ("qwen2", {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 0}, "sliding"),
    ("gemma2", {"sliding_window": 8}, "architecture 'gemma2'"),
    ("granite", {"logits_scaling": 3.0}, "architecture 'granite'"),
    ("cohere", {"logit_scale": 0.5}, "architecture 'cohere'"),
    ("mamba", {"state_size": 4}, "architecture 'mamba'"),
    ("llama", {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, "dynamic rotary"),
    ("llama", {"logit_scale": 0.5}, "logit_scale"),
    ("llama", {"final_logit_softcapping": 30.0}, "final_logit_softcapping"),
]


@pytest.mark.parametrize(("kind", "changes", "reason"), UNCOVERED)
def test_what_is_not_covered_is_scored_by_the_stock_engine_and_said_once(
    kind, changes, reason, tokenizer, caplog
):
    model, asked = model_of(kind, **changes), requests(6, 4)
    lm = wrap(model, tokenizer, 3, "fast")
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3)
    for _ in range(2):
        agree(lm._loglikelihood_tokens(asked), theirs._loglikelihood_tokens(asked, True))
    (said,) = [one.message for one in caplog.records if one.name.startswith("lethe")]
    assert reason in said
    assert said.endswith("the engine stock scores it.")


def test_a_model_with_something_added_is_not_covered(tokenizer, caplog):
    model = model_of("llama")
    model.base_model.register_forward_hook(lambda module, inputs, output: None)
    wrap(model, tokenizer, 3, "fast")
    assert "added to this llama" in caplog.text


BAD = [
    ((("so", ""), [5, 6], []), "An answer without tokens cannot be scored .after 'so': ''."),
    ((None, [], [5]), "A context without tokens cannot be scored"),
    ((None, [5], [6] * 65), "An answer of 65 tokens is longer than the model's 64"),
]


@pytest.mark.parametrize("engine", ["stock", "fast"])
@pytest.mark.parametrize(("request_", "sentence"), BAD)
def test_what_cannot_be_scored_is_refused_in_a_sentence(engine, request_, sentence, tokenizer):
    lm = wrap(model_of("llama"), tokenizer, 3, engine)
    with pytest.raises(UserError, match=sentence):
        lm._loglikelihood_tokens([*requests(7, 2), request_])


@pytest.mark.parametrize("engine", ["stock", "fast"])
def test_nothing_asked_is_nothing_answered(engine, tokenizer):
    assert wrap(model_of("llama"), tokenizer, 3, engine)._loglikelihood_tokens([]) == []
