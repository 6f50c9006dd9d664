"""The leak meter: shares by hand, nothing changed in training, the same after a kill; its table."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage
from small_nodes import make_nodes, stage_spec
from softmask_case import importance_of
from stopped_stage import stopped_at
from test_compute import NO_METRICS, chain

from lethe.longtables.tables import LongTables
from lethe.methods.contract import Method
from lethe.methods.parts.retention.fisher import heavy_from
from lethe.methods.parts.subspace.directions import matrices, strongest
from lethe.methods.registry import create
from lethe.models.encoder_units import encoder_of
from lethe.tables import leak as table
from lethe.tables.writing import readable
from lethe.training import loop
from lethe.training.leak import STEPS, leak_meter
from lethe.training.stage import train_stage

TWELVE = {**TRAINING, "steps": 12}


def metered(stage, method, **changes):
    """The progress of a stage that is trained with a method."""
    stage.steps = 12
    return loop.train(stage, method, {**TWELVE, **changes}, None)


class Half(Method):
    """Says that it protects the first half of the rows of one matrix, and does nothing."""

    def protected(self, name, change):
        if not name.endswith("0.mlp.down_proj.weight"):
            return None
        return torch.cat([change[:8], torch.zeros_like(change[8:])])


def test_shares_are_those_of_norms_taken_by_hand(monkeypatch):
    stage, weights = make_stage("causal"), []
    matrix = stage.model.get_parameter("model.layers.0.mlp.down_proj.weight")
    take_step = loop.take_step

    def watched(stage, *rest):
        weights.append(matrix.detach().clone())
        take_step(stage, *rest)

    monkeypatch.setattr(loop, "take_step", watched)
    progress = metered(stage, Half())
    weights.append(matrix.detach().clone())

    def share(later, earlier):
        change = later - earlier
        return float(change[:8].norm() / change.norm())

    assert [step for step, _ in progress.leaks] == [0, 2, 3, 5, 6, 8, 9, 11]
    for step, found in progress.leaks:
        assert found == pytest.approx(share(weights[step + 1], weights[step]), rel=1e-5)
    assert progress.leak["leak.stage"] == pytest.approx(share(weights[-1], weights[0]), rel=1e-5)
    assert progress.leak["leak.step"] == pytest.approx(np.mean([s for _, s in progress.leaks]))
    assert progress.leak["leak.undirected"] == pytest.approx(0.5**0.5, abs=0.05)
    assert progress.leak["leak.parameters"] == matrix.numel()


@pytest.mark.parametrize("family", FAMILIES)
def test_osf_leaks_under_adamw_on_gradients_alone_and_not_after_the_update(family):
    found = {}
    for project in ("gradient", "update", "both"):
        method = create("osf", {"project": project})
        found[project] = metered(make_stage(family), method, weight_decay=0.01).leak
    for name in ("leak.step", "leak.stage"):
        assert 0.1 < found["gradient"][name] < found["gradient"]["leak.undirected"]
        assert found["update"][name] < 1e-5 and found["both"][name] < 1e-5


def test_the_share_of_osf_is_that_of_its_definition():
    """By the squares: of the parts on the left, on the right, less what is on both."""
    stage = make_stage("causal")
    start = {name: p.detach().clone() for name, p in matrices(stage.model)}
    progress = metered(stage, create("osf", {"project": "gradient"}))
    held = whole = 0.0
    for name, parameter in matrices(stage.model):
        kept, change = strongest(start[name], 0.5, "share"), parameter.detach() - start[name]
        left, right = kept.left.T @ change, change @ kept.right
        held += float(left.norm() ** 2 + right.norm() ** 2 - (kept.left.T @ right).norm() ** 2)
        whole += float(change.norm() ** 2)
    assert progress.leak["leak.stage"] == pytest.approx((held / whole) ** 0.5, rel=1e-3)


def test_plain_training_and_a_first_stage_of_ewc_have_nothing_to_meter():
    for name in ("sequential", "kd", "ewc"):
        progress = metered(make_stage("causal"), create(name, {}))
        assert progress.leaks == [] and progress.leak == {}


def second_stage_of_ewc(strength: float):
    first, method = make_stage("causal"), create("ewc", {"strength": strength})
    metered(first, method)
    stage = make_stage("causal", first.model, index=2)
    start = {name: p.detach().clone() for name, p in stage.model.named_parameters()}
    following = create("ewc", {"strength": strength})
    following.load_state(method.state())
    fisher = {name: value.clone() for name, value in following.fisher.items()}
    return stage, metered(stage, following), start, fisher


def test_ewc_is_metered_by_the_tenth_of_weights_with_the_most_fisher_information():
    stage, progress, start, fisher = second_stage_of_ewc(1.0)
    every = torch.cat([value.flatten() for value in fisher.values()])
    least = every.sort(descending=True).values[len(every) // 10]
    changes = {n: p.detach() - start[n] for n, p in stage.model.named_parameters()}
    heavy = torch.cat([changes[n][fisher[n] > least] for n in changes])
    whole = torch.cat([change.flatten() for change in changes.values()])
    expected = float(heavy.norm() / whole.norm())
    assert progress.leak["leak.stage"] == pytest.approx(expected, rel=1e-3)
    strong = second_stage_of_ewc(1e5)[1].leak
    assert strong["leak.stage"] < 0.3 * expected
    # Single steps leave and come back.
    assert strong["leak.step"] > 0.8 * strong["leak.undirected"]
    assert second_stage_of_ewc(0.0)[1].leak == {}


def test_a_weight_is_heavy_from_a_tenth_of_the_information_on():
    assert heavy_from({"a": torch.arange(50.0), "b": torch.arange(50.0, 100.0)}) == 89.0
    none = {"a": torch.zeros(100).index_fill(0, torch.tensor([3]), 1.0)}
    assert heavy_from(none) == 0.0


def leak_of_das(mask: str, spread: bool = False) -> dict[str, float]:
    """Of a stage whose every second unit has importance 0.95, the others none.

    spread: importances from 0 to 1 instead, evenly.
    """
    stage, method = make_stage("masked"), create("das", {"mask": mask, "contrast_weight": 0.0})
    importance = importance_of(encoder_of(stage.model))
    for values in importance.values():
        values[:, ::2] = 0.95
        if spread:
            values[:] = (torch.arange(values.shape[1]) + 0.5) / values.shape[1]
    method.load_state({f"importance.{place}": values for place, values in importance.items()})
    stage.index = 2
    return metered(stage, method).leak


def test_soft_masks_on_gradients_leak_under_adamw_and_on_the_update_hardly():
    gradient, update = leak_of_das("gradient"), leak_of_das("update")
    assert gradient["leak.stage"] > 0.8 * gradient["leak.undirected"]
    assert update["leak.stage"] < 0.1 * update["leak.undirected"]
    assert update["leak.undirected"] == pytest.approx(gradient["leak.undirected"])
    # What the mask allows: sqrt(mean((1 - I)^2 I^2) / mean((1 - I)^2)) = 0.32 of sqrt(1/3) = 0.58
    # for many units; here attention has two heads.
    evenly = leak_of_das("update", spread=True)
    assert evenly["leak.stage"] / evenly["leak.undirected"] == pytest.approx(0.55, abs=0.1)


def leak_of_hat(name: str, hard: bool) -> dict[str, float]:
    hyper = {"hard": hard, "largest": 20.0, **({"layers": "all"} if name == "hat" else {})}
    first, method = make_stage("masked"), create(name, hyper)
    metered(first, method)
    following = create(name, hyper)
    following.load_state(method.state())
    stage = make_stage("masked", first.model, index=2)
    stage.history = ["t", "u"]
    return metered(stage, following, weight_decay=0.1).leak


@pytest.mark.parametrize("name", ["hat", "hat_adapter"])
def test_hard_gates_hold_under_adamw_and_soft_ones_do_not(name):
    assert leak_of_hat(name, hard=True)["leak.stage"] == 0.0
    assert leak_of_hat(name, hard=False)["leak.stage"] > 0.1


def test_the_meter_changes_no_weight(monkeypatch):
    models = []
    for meter in (leak_meter, lambda *_: None):
        monkeypatch.setattr(loop, "leak_meter", meter)
        stage = make_stage("causal")
        metered(stage, create("osf", {"project": "gradient"}))
        models.append(stage.model)
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("method", "hyper"),
    [("osf", {"project": "gradient"}), ("osf", {"project": "update"}), ("osf_peft", {})],
)
def test_a_stage_killed_and_gone_on_with_has_the_same_weights_and_leaks(
    tmp_path, monkeypatch, method, hyper
):
    make_nodes(tmp_path)
    spec = stage_spec(method=method, hyper=hyper)
    whole = train_stage("whole", spec, tmp_path, "code", 1e9)
    with stopped_at(6, monkeypatch):
        train_stage("cut", spec, tmp_path, "code", 0.0)
    resumed = train_stage("cut", spec, tmp_path, "code", 1e9)
    assert whole["steps"] > STEPS and whole["record"].keys() >= {"leak.step", "leak.stage"}
    assert resumed["record"] == whole["record"]
    assert resumed["files"]["model.safetensors"] == whole["files"]["model.safetensors"]
    assert json.dumps(whole["record"])


def stages_of(shares: dict[str, list[tuple[float, float]]]) -> pd.DataFrame:
    """Rows of chains by method; shares of a step and a stage by run, both stages alike."""
    rows = []
    for method, runs in shares.items():
        for seed, (step, stage) in enumerate(runs):
            costs = chain("both", ("simp", "emdg"), method, (1.0, 1.0), seed)
            rows += costs
            numbers = {"step": step, "stage": stage, "undirected": 0.5, "parameters": 8}
            first = [row for row in costs if row["measure"] == "cost.steps"]
            rows += [
                {**row, "measure": f"leak.{name}", "value": value}
                for row in first
                for name, value in numbers.items()
            ]
    return pd.DataFrame(rows).assign(parametrisation="full")


def test_the_table_has_a_row_a_method_with_its_shares_in_percent():
    shares = {
        "osf": [(0.0, 0.0), (0.0, 0.0)],
        "osf-gradient": [(0.1, 0.2), (0.2, 0.3), (0.3, 0.4)],
        "ewc": [(0.5, 0.5)],
    }
    built = table.build(LongTables(pd.DataFrame(), NO_METRICS, stages_of(shares)))
    frame = built.frame.set_index("method")
    assert frame["stage"].to_dict() == pytest.approx({"osf": 0, "osf-gradient": 30, "ewc": 50})
    assert frame.loc["osf-gradient", "step"] == pytest.approx(20)
    assert frame.loc["osf-gradient", "stage_low"] < 30 < frame.loc["osf-gradient", "stage_high"]
    assert np.isnan(frame.loc["ewc", "stage_low"])
    assert frame["finding"].to_dict() == {
        "osf": "nothing leaks",
        "osf-gradient": "less than undirected",
        "ewc": "no less than undirected",
    }
    assert frame["runs"].to_dict() == {"osf": 2, "osf-gradient": 3, "ewc": 1}
    assert frame.loc["osf-gradient", "stages"] == 6 and "undirected" in readable(built).columns


def test_a_study_without_protection_says_so():
    built = table.build(LongTables(scores=None, metrics=None))
    assert len(built.frame) == 1
