"""The recipe's `unused_rows: held`: the row rule as a factor beside other methods."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage
from test_tuned import plan_of

from lethe.errors import UserError
from lethe.methods.registry import create
from lethe.methods.row_rule import tokens_of
from lethe.models.vocabulary import token_rows
from lethe.training.loop import train

OWN = {"batch_size": 4, "epochs": 1, "max_length": 8, "learning_rate": 1e-3}


def rows_after(family: str, method: str, **changes):
    """Rows before and after a stage, and which of them no example of it has."""
    stage = make_stage(family)
    stage.examples = stage.examples[:2]
    before = {name: p.detach().clone() for name, p in token_rows(stage.model).items()}
    train(stage, create(method, {}), {**TRAINING, **changes}, None)
    unused = torch.ones(len(next(iter(before.values()))), dtype=torch.bool)
    unused[sorted(tokens_of(stage))] = False
    return before, token_rows(stage.model), unused


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("family", FAMILIES)
def test_beside_a_method_rows_without_data_stay_bit_for_bit(family, weight_decay):
    changes = {"unused_rows": "held", "weight_decay": weight_decay}
    before, after, unused = rows_after(family, "kd", **changes)
    assert unused.any()
    for name, rows in before.items():
        assert torch.equal(after[name][unused], rows[unused])
    assert any(not torch.equal(after[name][~unused], before[name][~unused]) for name in before)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_it_they_move(family):
    before, after, unused = rows_after(family, "kd")
    assert any(not torch.equal(after[name][unused], rows[unused]) for name, rows in before.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_with_plain_training_it_is_the_row_rule(family):
    _, held, _ = rows_after(family, "sequential", unused_rows="held")
    _, ruled, _ = rows_after(family, "row_rule")
    assert all(torch.equal(held[name], ruled[name]) for name in ruled)


def planned(method: str = "sequential", parametrisation: str = "full", **given):
    plan = plan_of(
        models=["xs"], orders=["forward"], methods=[method], parametrisations=[parametrisation],
        recipe="own", end_tasks=[], probes=["miniature"],
        define={"recipes": {"own": {**OWN, "parametrised": {"lora": {}}, **given}}},
    )  # fmt: skip
    return plan.nodes[plan.runs[0].checkpoints[1]]


def test_it_is_in_a_spec_only_where_rows_are_held():
    assert planned(unused_rows="trained").id == planned().id
    assert planned(unused_rows="held").spec["recipe"]["unused_rows"] == "held"
    assert planned(unused_rows="held").id != planned().id


@pytest.mark.parametrize(
    ("method", "parametrisation", "reason"),
    [
        ("replay", "full", "other texts than the stage's own"),
        ("self-replay", "full", "other texts than the stage's own"),
        ("row-rule", "full", "it holds them itself"),
        ("osf-peft", "full", "no row to hold"),
        ("sequential", "lora", "no row to hold"),
    ],
)
def test_what_it_does_not_go_with_is_refused_before_a_job(method, parametrisation, reason):
    planned(method, parametrisation)
    with pytest.raises(UserError, match=rf"^recipes\.own\.unused_rows: .*{reason}"):
        planned(method, parametrisation, unused_rows="held")
