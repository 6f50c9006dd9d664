"""Adapters, soft prompts and DEMIX: what they compute, and how they begin."""

import numpy as np
import pytest
import torch
from adapter_case import HYPERS, TOKENIZER, disturb, lay_out, make_stage, the_batch
from masked_model import CONFIG, masked_model

from lethe.errors import UserError
from lethe.methods.demix import loss_with
from lethe.methods.parts.adapters import SMALLEST_BOTTLENECK, apply_adapters, mean_of, new_adapters
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss
from lethe.models.masked_forward import hidden_states


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_untrained_adapters_hardly_change_the_output_and_trained_ones_do():
    model, batch = masked_model().eval(), the_batch()
    before = hidden_states(model, batch)
    adapters = new_adapters(model, 16, 0)
    assert len(adapters) == 2 * CONFIG["num_hidden_layers"]
    assert {adapter.down.out_features for adapter in adapters.values()} == {SMALLEST_BOTTLENECK}
    handles = apply_adapters(model, adapters)
    assert torch.allclose(hidden_states(model, batch), before, atol=1e-2)
    assert not torch.equal(hidden_states(model, batch), before)
    disturb(adapters)
    assert not torch.allclose(hidden_states(model, batch), before, atol=1e-1)
    for handle in handles:
        handle.remove()
    assert torch.equal(hidden_states(model, batch), before)


def test_an_adapted_layer_is_that_of_the_formula():
    """Houlsby et al. 2019, figure 2: LayerNorm(input + adapter(dense(h)))."""
    model = masked_model().eval()
    adapters = new_adapters(model, 4, 0)
    disturb(adapters)
    apply_adapters(model, adapters)
    place, adapter = model.base_model.encoder.layer[1].output, adapters["1_feed_forward"]
    inner, skip = torch.randn(3, CONFIG["intermediate_size"]), torch.randn(3, 16)
    dense = inner @ place.dense.weight.T + place.dense.bias
    low = torch.nn.functional.gelu(dense @ adapter.down.weight.T + adapter.down.bias)
    adapted = dense + low @ adapter.up.weight.T + adapter.up.bias
    assert torch.allclose(place(inner, skip), place.LayerNorm(adapted + skip), atol=1e-5)


def test_adapters_at_another_type_of_model_or_width_are_one_sentence():
    wide = masked_model(hidden_size=32)
    with pytest.raises(UserError, match="another network"):
        apply_adapters(wide, new_adapters(masked_model(), 4, 0))
    decoder = masked_model()
    decoder.config.model_type = "llama"
    with pytest.raises(UserError, match="found 'llama'"):
        new_adapters(decoder, 4, 0)


def test_bert_is_known_too():
    from transformers import BertConfig, BertForMaskedLM

    model = BertForMaskedLM(BertConfig(**{**CONFIG, "vocab_size": len(TOKENIZER)})).eval()
    batch = the_batch()
    before = hidden_states(model, batch)
    for name, hyper in HYPERS.items():
        method = create(name, hyper)
        method.before_stage(make_stage(model))
        assert hidden_states(model, batch).shape == before.shape


def test_a_prompt_keeps_the_shape_and_is_seen_by_every_token():
    model, batch = masked_model().eval(), the_batch()
    before = hidden_states(model, batch)
    method = create("prompt", {"tokens": 100})
    method.before_stage(make_stage(model))
    after = hidden_states(model, batch)
    assert after.shape == before.shape
    seen = batch.attention_mask.bool()
    assert ((after - before).abs().amax(-1)[seen] > 1e-4).all()
    disturb(method.extra)
    assert not torch.allclose(hidden_states(model, batch), after, atol=1e-2)
    words = model.get_input_embeddings().weight
    fresh = create("prompt", {"tokens": 7})
    fresh.before_stage(make_stage(masked_model()))
    assert all((words == vector).all(-1).any() for vector in fresh.extra.vectors)


def test_a_prompted_network_is_the_naive_one_with_longer_inputs():
    """The encoder on [prompt; embeddings] with the longer mask, then the tokens' states."""
    model, batch = masked_model().eval(), the_batch()
    embedded = model.base_model.embeddings(input_ids=batch.input_ids)
    method = create("prompt", {"tokens": 5})
    method.before_stage(make_stage(masked_model()))
    front = model.base_model.embeddings.LayerNorm(method.extra.vectors)
    whole = torch.cat([front.expand(len(embedded), -1, -1), embedded], 1)
    mask = torch.cat([torch.ones(len(embedded), 5), batch.attention_mask], 1)
    hidden = model.base_model.encoder(
        whole, attention_mask=mask[:, None, None, :].bool().expand(-1, 1, mask.shape[1], -1)
    ).last_hidden_state[:, 5:]
    method.attach(model)
    seen = batch.attention_mask.bool()
    assert torch.allclose(hidden_states(model, batch)[seen], hidden[seen], atol=1e-5)


def test_demix_begins_as_a_copy_of_the_set_with_the_lowest_loss():
    method = create("demix", HYPERS["demix"])
    model = masked_model()
    sets = [new_adapters(model, 4, seed) for seed in range(3)]
    for size, adapters in zip((0.6, 0.02, 0.4), sets, strict=True):
        disturb(adapters, size=size)
    stage = make_stage(model, index=4)
    losses = [loss_with(stage, adapters, stage.examples) for adapters in sets]
    handles = apply_adapters(model, sets[2])
    model.eval()
    (batch,) = lay_out(stage.examples)
    assert losses[2] == pytest.approx(weighted_loss(model, batch).item(), abs=1e-6)
    for handle in handles:
        handle.remove()
    method.sets.extend(sets)
    method.before_stage(stage)
    best, new = sets[int(np.argmin(losses))], method.sets[3]
    assert all(torch.equal(best.state_dict()[k], v) for k, v in new.state_dict().items())
    assert new is not best
    names = [name for name, parameter in method.extra.named_parameters() if parameter.requires_grad]
    assert names and all(name.startswith("3.") for name in names)


def test_demix_evaluates_the_last_expert_or_the_mean_of_all():
    batch, model = the_batch(), masked_model().eval()
    sets = [new_adapters(model, 4, seed) for seed in range(2)]
    for adapters in sets:
        disturb(adapters)
    mean = mean_of(sets)
    expected = (sets[0]["0_attention"].up.weight + sets[1]["0_attention"].up.weight) / 2
    assert torch.allclose(mean["0_attention"].up.weight, expected)
    for expert, adapters in (("last", sets[1]), ("mean", mean)):
        method = create("demix", {"expert": expert})
        method.sets.extend(sets)
        attached = method.attach(masked_model().eval())
        naive = masked_model().eval()
        apply_adapters(naive, adapters)
        assert torch.equal(hidden_states(attached, batch), hidden_states(naive, batch))
        assert all(parameter.requires_grad for parameter in method.extra.parameters())
