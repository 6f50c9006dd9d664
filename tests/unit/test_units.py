"""The declared units of every architecture: what belongs to them, and where their gates are."""

import pytest
import torch
from plain_reference import FAMILY, RECIPE, fast_twin, random_model, some_examples, tokenizer_of

from lethe.errors import UserError
from lethe.methods.parts.softmask.gates import recorded, scaled
from lethe.methods.parts.softmask.importance import task_loss
from lethe.methods.parts.softmask.masking import factors
from lethe.models.kinds import KINDS
from lethe.models.last_states import label_logits, last_states, weighted_loss
from lethe.models.units import CROSS_HEADS, HEADS, units_of
from lethe.training.layout import make_collate

KNOWN = [name for name, kind in KINDS.items() if kind.units]
GROUPED = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4}
CASES = [(name, {}) for name in KNOWN]
CASES += [(name, GROUPED) for name in ("llama", "qwen2", "qwen3", "mistral")]
CASES += [("t5", {"feed_forward_proj": "gated-gelu", "num_decoder_layers": 1})]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def laid_out(model, **changes):
    family = FAMILY[model.config.model_type]
    recipe = {**RECIPE, **changes}
    collate = make_collate(recipe, tokenizer_of(family), family, model.config, 3)
    return collate, some_examples(family)


def batch_for(model, **changes):
    collate, examples = laid_out(model, **changes)
    (batch,) = collate(examples, 0)
    return batch


def zeros(units) -> dict[str, torch.Tensor]:
    return {place: torch.zeros(shape) for place, shape in units.shapes().items()}


def inputs_of(model, module, batch) -> torch.Tensor:
    seen = []
    handle = module.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    with torch.no_grad():
        last_states(model, batch)
    handle.remove()
    return seen[0]


def moved(model, modules, by_name, owned: bool):
    """A copy whose weights in the modules are changed where their factor is 0, or where it is 1."""
    twin = fast_twin(model)
    mine = {id(p) for module in modules for p in module.parameters()}
    names = {name for name, p in model.named_parameters() if id(p) in mine}
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            if name in names:
                factor = by_name[name].expand_as(parameter)
                share = 1 - factor if owned else factor
                parameter += share * torch.randn(parameter.shape)
    return twin


def test_every_row_of_the_model_types_has_units():
    assert KNOWN == list(KINDS)


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_a_heads_context_is_made_by_what_belongs_to_it_alone(name, changes):
    model = fast_twin(random_model(name, **changes))
    units, batch = units_of(model), batch_for(model)
    width = units.head_width
    for place in (HEADS, CROSS_HEADS):
        for number, heads in enumerate(h for h in units.attentions if h.place == place):
            head = units.heads - 1
            importance = zeros(units)
            importance[place][number, head] = 1.0
            by_name = factors(model, importance, "rows")
            context = inputs_of(model, heads.output, batch).unflatten(-1, (-1, width))
            others = [n for n in range(units.heads) if n != head]
            for owned in (True, False):
                twin = moved(model, heads.projections, by_name, owned)
                at = units_of(twin).attentions[units.attentions.index(heads)].output
                found = inputs_of(twin, at, batch).unflatten(-1, (-1, width))
                same = torch.isclose(found, context, rtol=1e-4, atol=1e-5).all(-1)
                # Heads that share keys and values are protected with it, in part.
                mates = others if not changes.get("num_key_value_heads") else others[:2]
                assert same[..., mates].all() if owned else same[..., head].all()
                assert not (same[..., head] if owned else same[..., others]).all()
            columns = by_name[name_of(model, heads.output.weight)]
            assert int((columns == 0).sum()) == width


def name_of(model, wanted) -> str:
    return next(name for name, parameter in model.named_parameters() if parameter is wanted)


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_a_neurons_output_is_made_by_what_belongs_to_it_alone(name, changes):
    model = fast_twin(random_model(name, **changes))
    units, batch = units_of(model), batch_for(model)
    for number, part in enumerate(units.neurons):
        importance = zeros(units)
        importance["intermediate"][number, 3] = importance["output"][number, 5] = 1.0
        by_name = factors(model, importance, "rows")
        inner = inputs_of(model, part.output, batch)
        twin = moved(model, part.inner, by_name, owned=False)
        found = inputs_of(twin, units_of(twin).neurons[number].output, batch)
        assert torch.equal(found[..., 3], inner[..., 3]) and not torch.equal(found, inner)
        twin = moved(model, part.inner, by_name, owned=True)
        found = inputs_of(twin, units_of(twin).neurons[number].output, batch)
        assert not torch.equal(found[..., 3], inner[..., 3])
        assert torch.equal(found[..., 4:], inner[..., 4:])
        # The same map, with the changed row of its output neuron.
        twin = moved(model, [part.output], by_name, owned=True)
        given = units_of(twin).neurons[number].output(inner)
        plain = part.output(inner)
        assert not torch.equal(given[..., 5], plain[..., 5])
        assert torch.equal(given[..., 6:], plain[..., 6:])


class OneGate:
    """A gate of ones with a gradient, by hand, at one place of one layer."""

    def __init__(self, units, gate):
        self.values = torch.ones(units.shapes()[gate.place][1], requires_grad=True)
        heads = gate.place in (HEADS, CROSS_HEADS)
        self.repeats = units.head_width if heads else 1
        if gate.at_input:
            hook = lambda _, given: (given[0] * self.spread(), *given[1:])  # noqa: E731
            self.handle = gate.module.register_forward_pre_hook(hook)
        else:
            self.handle = gate.module.register_forward_hook(lambda _, __, out: out * self.spread())

    def spread(self) -> torch.Tensor:
        return self.values.repeat_interleave(self.repeats)


@pytest.mark.parametrize("name", KNOWN)
def test_gradients_of_packed_texts_are_those_of_gates_by_hand_on_one_text_at_a_time(name):
    model = fast_twin(random_model(name))
    collate, examples = laid_out(model)
    (batch,) = collate(examples, 0)
    assert len(batch.input_ids) < len(batch.example_ids)
    units = units_of(model)
    with recorded(units) as gates:
        found = gates.gradients(task_loss(model, batch), batch)
    assert all(parameter.grad is None for parameter in model.parameters())
    by_hand = [(gate, OneGate(units, gate)) for gate in units.gates()]
    for example in examples:
        (single,) = collate([example], 0)
        loss = task_loss(model, single)
        if KINDS[name].family == "causal":  # the mean over the response's tokens alone
            assert len(single.targets) == len(example.tokens) - example.label_start
        wanted = torch.autograd.grad(loss, [one.values for _, one in by_hand])
        row = batch.example_ids.index(example.id)
        for (gate, _), gradient in zip(by_hand, wanted, strict=True):
            values = found[gate.place][row, gate.layer]
            torch.testing.assert_close(values, gradient, rtol=1e-3, atol=1e-5)
            assert gradient.abs().max() > 0


@pytest.mark.parametrize("name", KNOWN)
def test_scaling_by_one_changes_nothing_and_packed_rows_keep_the_plain_loss(name):
    model = fast_twin(random_model(name))
    units, batch = units_of(model), batch_for(model)
    plain = last_states(model, batch)
    ones = {place: torch.ones(shape) for place, shape in units.shapes().items()}
    with scaled(units, ones):
        # Hooks need transformers' own layers, which add up in another order.
        torch.testing.assert_close(last_states(model, batch), plain, rtol=1e-5, atol=1e-5)
    with scaled(units, {place: 0.5 * values for place, values in ones.items()}):
        assert not torch.allclose(last_states(model, batch), plain)
    logits = label_logits(model, batch, plain)
    losses = torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none")
    torch.testing.assert_close(weighted_loss(model, batch, plain), (losses * batch.weights).sum())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_another_architecture_is_one_sentence():
    model = random_model("llama")
    model.config.model_type = "mamba"
    with pytest.raises(UserError, match="units are known .*llama.*t5.*, found 'mamba'"):
        units_of(model)
    model.config.model_type = "gpt_neox"
    with pytest.raises(UserError, match=r"module 'layers\.0\.attention\.query_key_value'"):
        units_of(model)
