"""Self-generated replay: what the base writes, its loss, and that the texts stay with the chain."""

import numpy as np
import pytest
import torch
from plain_reference import FAMILY, fast_twin, random_model
from plain_reference import RECIPE as REFERENCE
from retention_case import TRAINING, make_stage, move, new_model, step_loss, two_stages
from small_nodes import make_tokenizer

from lethe.data.blank import blank_of
from lethe.errors import UserError
from lethe.methods.parts.retention import written
from lethe.methods.parts.retention.written import quantile_of, write
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.models.forward import label_logits
from lethe.training.layout import make_collate
from lethe.training.loop import train

WRITERS = ["causal", "seq2seq"]
HYPER = {"samples": 8, "max_length": 12}


def texts_of(family: str, count: int = 8, temperature: float = 1.0):
    stage = make_stage(family)
    return write(stage.load_base(), stage.blank(), count, 10, temperature, (0, 5))


@pytest.mark.parametrize("family", WRITERS)
def test_without_weight_it_is_plain_fine_tuning_bit_by_bit(family):
    plain, *_ = two_stages(family, Sequential)
    for hyper, same in (({"weight": 0.0}, True), ({}, False), ({"loss": "kl"}, False)):
        model, *_ = two_stages(family, lambda h=hyper: create("self_replay", {**HYPER, **h}))
        pairs = zip(model.parameters(), plain.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs) == same


@pytest.mark.parametrize("loss", ["ce", "kl"])
@pytest.mark.parametrize("family", WRITERS)
def test_it_keeps_the_network_nearer_to_its_base_on_other_texts_that_the_base_writes(family, loss):
    """Mean KL(base || network); switched off, that is with weight 0, both would be equal."""
    distances = []
    for weight in (1.0, 0.0):
        stage = make_stage(family)
        stage.steps = 30
        method = create("self_replay", {"samples": 64, "loss": loss, "weight": weight})
        train(stage, method, {**TRAINING, "steps": 30}, None)
        stage.model.eval()
        judge = create("self_replay", {"loss": "kl"})
        judge.base, judge.blank = stage.load_base(), stage.blank()
        others = write(judge.base, judge.blank, 40, 20, 1.0, (99,))
        examples = written.as_examples(dict(enumerate(others)), judge.blank, "base")
        with torch.no_grad():
            distances.append(sum(judge.texts_losses(stage, examples)).item())
    assert distances[0] < 0.8 * distances[1]


@pytest.mark.parametrize("model_type", [name for name in FAMILY if FAMILY[name] != "masked"])
def test_texts_follow_what_the_base_predicts_and_end_where_it_ends_them(model_type):
    """Every text is a path through the base's own quantiles, computed here without its cache."""
    family, tokenizer = FAMILY[model_type], make_tokenizer()
    base = fast_twin(random_model(model_type))
    blank = blank_of(tokenizer, family, 20)
    # Random networks are too sure of themselves at temperature 1.
    texts = write(base, blank, 6, 10, 20.0, (0, 5))
    collate = make_collate(REFERENCE, tokenizer, family, base.config)
    assert len(set(texts)) > 2
    for number, text in enumerate(texts):
        u = np.random.default_rng([0, 5, number]).random(10)
        (batch,) = collate(written.as_examples({0: text}, blank, "base"))
        with torch.no_grad():
            scores = label_logits(base, batch).float() / 20.0
        assert tuple(quantile_of(scores, torch.from_numpy(u[: len(text)])).tolist()) == text
        assert (text[-1] == blank.end) or len(text) == 10
        assert blank.end not in text[:-1]


def test_a_quantile_is_drawn_as_often_as_its_token_is_likely():
    scores = torch.tensor([[0.0, 1.0, 2.0, -1e9]]).expand(1000, 4)
    u = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    counts = torch.bincount(quantile_of(scores, u), minlength=4) / 1000
    torch.testing.assert_close(counts, scores[0].softmax(-1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("family", WRITERS)
def test_a_text_does_not_depend_on_those_that_are_written_beside_it(family, monkeypatch):
    together = texts_of(family)
    assert texts_of(family, count=3) == together[:3]
    monkeypatch.setattr(written, "TOGETHER", 1)
    assert texts_of(family) == together
    assert len(set(together)) > 4
    cold = texts_of(family, temperature=1e-3)
    assert len(set(cold)) == 1


@pytest.mark.parametrize("family", WRITERS)
def test_the_divergence_is_zero_at_the_base_and_grows_as_the_network_moves(family):
    stage = make_stage(family)
    method = create("self_replay", {**HYPER, "loss": "kl"})
    method.before_stage(stage)
    stage.model.eval()
    assert step_loss(method, stage).item() == pytest.approx(0, abs=1e-6)
    move(stage.model)
    assert step_loss(method, stage).item() > 1e-3


@pytest.mark.parametrize("family", WRITERS)
def test_the_texts_of_the_first_stage_are_those_of_the_whole_chain(family):
    _, first, second = two_stages(family, lambda: create("self_replay", HYPER))
    assert len(first.texts) == 8 and second.texts == first.texts
    assert first.base is None
    for name, value in first.state().items():
        assert torch.equal(value, second.state()[name])
    assert all(len(text) < 12 + (family == "seq2seq") for text in first.texts)


def test_missing_and_foreign_texts_are_sentences():
    stage = make_stage("causal", index=2, earlier=[[]])
    with pytest.raises(UserError, match="holds no texts of its base"):
        create("self_replay", HYPER).before_stage(stage)
    for state in (
        {"seen": torch.tensor(1)},
        {"tokens": torch.ones(3), "lengths": torch.ones(1).int()},
    ):
        with pytest.raises(UserError, match="not saved by this method"):
            create("self_replay", HYPER).load_state(state)


def test_the_base_stays_in_memory_for_the_divergence_alone():
    for loss, kept in (("ce", False), ("kl", True)):
        method = create("self_replay", {**HYPER, "loss": loss})
        method.before_stage(make_stage("causal"))
        assert (method.base is not None) == kept
    assert new_model("causal").training
