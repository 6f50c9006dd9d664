"""The packed engine: every context computed once, the same scores."""

import importlib
import random

import evaluation_world as world
import pytest

from lethe.errors import UserError

SIZES = {
    "llama": ("Llama", {"num_hidden_layers": 2, "intermediate_size": 48}),
    "qwen2": ("Qwen2", {"num_hidden_layers": 2, "intermediate_size": 48, "num_key_value_heads": 4}),
    "gpt_neox": ("GPTNeoX", {"num_hidden_layers": 2, "intermediate_size": 48}),
    "gpt2": ("GPT2", {}),
    "bloom": ("Bloom", {"n_layer": 2}),
    "opt": ("OPT", {"num_hidden_layers": 1, "ffn_dim": 16, "word_embed_proj_dim": 32}),
}


def requests(seed: int, n: int, vocabulary: int = 60) -> list[tuple]:
    """Contexts of one to twenty tokens with two to four continuations each, one empty context."""
    generator = random.Random(seed)
    found = []
    for _ in range(n):
        context = [generator.randrange(4, vocabulary) for _ in range(generator.choice([1, 7, 20]))]
        for _ in range(generator.randint(2, 4)):
            length = generator.choice([1, 1, 3, 6])
            continuation = [generator.randrange(4, vocabulary) for _ in range(length)]
            found.append((None, context, continuation))
    return found


def model_of(kind: str):
    import torch

    name, sizes = SIZES[kind]
    module = importlib.import_module(f"transformers.models.{kind}")
    config = getattr(module, f"{name}Config")(
        vocab_size=60,
        hidden_size=32,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        **sizes,
    )
    torch.manual_seed(1)
    names = [n for n in dir(module) if n in (f"{name}ForCausalLM", f"{name}LMHeadModel")]
    return getattr(module, names[0])(config)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return world.write_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.mark.parametrize("kind", SIZES)
def test_scores_of_every_engine_equal_lm_evals_own(kind, tokenizer):
    from lm_eval.models.huggingface import HFLM

    from lethe.evaluation.engines import wrap
    from lethe.evaluation.language_model import PACKABLE, PLAIN_HEADS

    model = model_of(kind)
    asked = requests(0, 25)
    theirs = HFLM._loglikelihood_tokens(wrap(model, tokenizer, 7), asked, disable_tqdm=True)
    assert any(greedy for _, greedy in theirs)
    assert kind in PLAIN_HEADS
    for engine in ("stock", "packed") if kind in PACKABLE else ("stock",):
        lm = wrap(model, tokenizer, batch_size=4, engine=engine)
        ours = lm._loglikelihood_tokens(asked)
        for (value, greedy), (other, other_greedy) in zip(ours, theirs, strict=True):
            assert value == pytest.approx(other, abs=1e-4)
            assert greedy == other_greedy


def test_packing_computes_every_context_once():
    from lethe.evaluation.rows import packed_rows, plain_rows

    asked = [(None, [5] * 20, [6, 7, k]) for k in range(4)]
    asked += [(None, [5] * 20, [8]), (None, [9] * 3, [8])]
    packed, plain = packed_rows(asked, 64), plain_rows(asked, 64)
    assert [len(row.tokens) for row in packed] == [20 + 4 * 2, 3]
    assert [len(row.tokens) for row in plain] == [22, 20, 3]
    assert sum(len(row.wanted) for row in packed) == len(asked)


def test_a_packed_row_never_outgrows_the_model():
    from lethe.evaluation.rows import packed_rows

    rows = packed_rows(requests(3, 30) + [(None, [1], [2] * 9)] * 20, 29)
    assert max(len(row.tokens) for row in rows) <= 29
    assert max(max(row.positions) for row in rows) < 29


def test_requests_too_long_for_the_model_are_cut_as_lm_eval_cuts_them(tokenizer, caplog):
    from lm_eval.models.huggingface import HFLM

    from lethe.evaluation.engines import wrap

    model = model_of("llama")
    asked = requests(1, 3) + [(None, [7, 8, 9] * 30, [5, 6])]
    theirs = HFLM._loglikelihood_tokens(wrap(model, tokenizer, 3), asked, disable_tqdm=True)
    caplog.clear()
    ours = wrap(model, tokenizer, 3, "packed")._loglikelihood_tokens(asked)
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)
    assert "cut on the left" in caplog.text


def test_a_model_that_cannot_be_packed_is_refused(tokenizer):
    from lethe.evaluation.engines import wrap

    with pytest.raises(UserError, match="found opt; use the engine stock"):
        wrap(model_of("opt"), tokenizer, 3, "packed")


def test_an_unknown_engine_is_refused(tokenizer):
    from lethe.evaluation.engines import wrap

    with pytest.raises(UserError, match="stock or packed or fast, found 'slow'"):
        wrap(model_of("llama"), tokenizer, 3, "slow")
