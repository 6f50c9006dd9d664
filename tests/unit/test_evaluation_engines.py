"""The packed engine: every context computed once, the same scores."""

import evaluation_world as world
import pytest
from scoring_case import SIZES, model_of, requests

from lethe.errors import UserError


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


def test_the_engines_are_the_same_wherever_they_are_named():
    from typing import get_args

    from lethe.config import Probe
    from lethe.evaluation import engines, specification

    named = get_args(Probe.model_fields["engine"].annotation)
    assert tuple(engines.ENGINES) == specification.ENGINES == named
