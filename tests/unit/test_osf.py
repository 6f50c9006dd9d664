"""OSF: none of a stage's change in the kept directions; how much AdamW leaks without that."""

import pytest
import torch
from peft import OSFConfig, inject_adapter_in_model
from retention_case import FAMILIES, TRAINING, make_stage, two_stages
from torch import nn

from lethe.methods.parts.subspace.directions import matrices, rank_of, strongest
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import train

DECAYED = {**TRAINING, "weight_decay": 0.1, "steps": 6}


def changes_of(family: str, **hyper) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """(start, change) of every matrix over a stage that is trained with OSF, by name."""
    stage, method = make_stage(family), create("osf", hyper)
    start = {name: p.detach().clone() for name, p in matrices(stage.model)}
    train(stage, method, DECAYED, None)
    now = dict(stage.model.named_parameters())
    return {name: (value, now[name].detach() - value) for name, value in start.items()}


def on_either_side(start: torch.Tensor, change: torch.Tensor) -> tuple[float, float]:
    """|U_k^T D| / |D| and |D V_k| / |D| for half of the directions; from the definition."""
    left, _, right = torch.linalg.svd(start.double(), full_matrices=False)
    kept, change = min(start.shape) // 2, change.double()
    sides = left[:, :kept].T @ change, change @ right[:kept].T
    return tuple(float(side.norm() / change.norm()) for side in sides)


@pytest.mark.parametrize("project", ["update", "both"])
@pytest.mark.parametrize("family", FAMILIES)
def test_projected_after_the_update_nothing_of_a_stage_lies_in_the_kept_directions(family, project):
    for name, (start, change) in changes_of(family, project=project).items():
        assert change.norm() > 1e-3, name
        assert max(on_either_side(start, change)) < 1e-5, name


@pytest.mark.parametrize("hyper", [{"share": 0.0}, {"project": "gradient"}])
def test_switched_off_or_with_the_gradient_alone_much_of_it_does(hyper):
    """The test above fails without the method, and with AdamW on projected gradients."""
    for name, (start, change) in changes_of("causal", **hyper).items():
        assert min(on_either_side(start, change)) > 0.1, name


@pytest.mark.parametrize("project", ["gradient", "both"])
@pytest.mark.parametrize("family", FAMILIES)
def test_projected_gradients_have_nothing_in_the_kept_directions(family, project):
    stage, method = make_stage(family), create("osf", {"project": project})
    method.before_stage(stage)
    start = {name: p.detach().clone() for name, p in matrices(stage.model)}
    stage.plain_loss(stage.model, stage.collate(stage.examples[:2], 0)[0]).backward()
    before = {name: p.grad.clone() for name, p in stage.trainable()}
    assert max(max(on_either_side(start[name], before[name])) for name in start) > 0.1
    method.after_backward(stage)
    for name, parameter in stage.trainable():
        if name in start:
            assert parameter.grad.norm() > 0 and not torch.equal(parameter.grad, before[name])
            assert max(on_either_side(start[name], parameter.grad)) < 1e-4, name
        else:
            assert torch.equal(parameter.grad, before[name]), name


def test_the_strongest_parts_of_a_matrix_are_parts_of_it_after_the_stage():
    for start, change in changes_of("seq2seq").values():
        left, values, right = torch.linalg.svd(start, full_matrices=False)
        kept = min(start.shape) // 2
        after = (start + change) @ right[:kept].T
        torch.testing.assert_close(after, left[:, :kept] * values[:kept], rtol=1e-4, atol=1e-5)


def test_with_a_share_of_zero_it_is_plain_fine_tuning_bit_by_bit():
    model, _, _ = two_stages("causal", lambda: create("osf", {"share": 0.0}))
    plain, _, _ = two_stages("causal", Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_has_no_directions_is_trained_or_frozen():
    for others, moved in {"trained": True, "frozen": False}.items():
        stage = make_stage("causal")
        start = {name: p.detach().clone() for name, p in stage.model.named_parameters()}
        kept = dict(matrices(stage.model))
        train(stage, create("osf", {"others": others}), TRAINING, None)
        for name, parameter in stage.model.named_parameters():
            assert (not torch.equal(parameter, start[name])) == (name in kept or moved), name


@pytest.mark.parametrize("family", FAMILIES)
def test_matrices_are_those_between_states_and_neither_embeddings_nor_head(family):
    model = make_stage(family).model
    words = model.get_input_embeddings().weight.shape[0]
    shapes = {name: tuple(parameter.shape) for name, parameter in matrices(model)}
    assert shapes and all(words not in shape for shape in shapes.values())
    linear = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, nn.Linear) and module is not model.get_output_embeddings()
    }
    assert {id(parameter) for _, parameter in matrices(model)} == linear


def test_worked_numbers_of_kept_directions():
    values = torch.tensor([3.0, 2.0, 1.0, 0.0])  # squares 9, 4, 1: 0.64, 0.93 and all
    assert [rank_of(values, share, "share") for share in (0.0, 0.3, 0.5, 1.0)] == [0, 1, 2, 4]
    assert [rank_of(values, share, "energy") for share in (0.0, 0.6, 0.9, 1.0)] == [0, 1, 2, 3]


def one_layer() -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    """A layer of 64 units, 64 inputs, and the outputs of another layer."""
    draw = torch.Generator().manual_seed(1)
    layer = nn.Linear(64, 64, bias=False)
    weights = torch.randn(64, 64, generator=draw) / 8
    with torch.no_grad():
        layer.weight.copy_(weights)
    inputs = torch.randn(64, 64, generator=draw)
    return layer, inputs, inputs @ torch.randn(64, 64, generator=draw) / 8


def fitted(network: nn.Module, optimizer: str, inputs, targets, project=None, after=None) -> None:
    """50 steps; `project` changes gradients, `after` the weights."""
    trained = [p for p in network.parameters() if p.requires_grad]
    rates = {"SGD": {"lr": 0.1}, "AdamW": {"lr": 1e-3, "weight_decay": 0.0}}
    update = getattr(torch.optim, optimizer)(trained, **rates[optimizer])
    for _ in range(50):
        update.zero_grad()
        (network(inputs) - targets).square().mean().backward()
        if project:
            project()
        update.step()
        if after:
            after()


@pytest.mark.parametrize(("optimizer", "share"), [("SGD", 0.0), ("AdamW", 0.22)])
def test_on_one_layer_pefts_osf_leaks_a_fifth_on_each_side_under_adamw(optimizer, share):
    layer, inputs, targets = one_layer()
    start = layer.weight.detach().clone()
    network = inject_adapter_in_model(
        OSFConfig(target_modules=["0"], effective_rank=0.5), nn.Sequential(layer)
    )
    fitted(network, optimizer, inputs, targets)
    change = network[0].get_delta_weight("default").detach()
    assert on_either_side(start, change) == pytest.approx((share, share), abs=0.02)


@pytest.mark.parametrize(
    ("optimizer", "of", "least", "most"),
    [
        ("SGD", "gradient", 0.0, 1e-5),
        ("AdamW", "gradient", 0.1, 0.5),
        ("SGD", "update", 0.0, 1e-5),
        ("AdamW", "update", 0.0, 1e-5),
    ],
)
def test_on_one_layer_only_the_projected_update_holds_whatever_the_optimizer(
    optimizer, of, least, most
):
    layer, inputs, targets = one_layer()
    start = layer.weight.detach().clone()
    kept = strongest(start, 0.5, "share")

    def project():
        layer.weight.grad.copy_(kept.free(layer.weight.grad))

    @torch.no_grad()
    def after():
        layer.weight.copy_(start + kept.free(layer.weight - start))

    how = {"project": project} if of == "gradient" else {"after": after}
    fitted(layer, optimizer, inputs, targets, **how)
    for side in on_either_side(start, layer.weight.detach() - start):
        assert least <= side <= most
