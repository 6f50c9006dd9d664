"""Reference chains of domains in the plan: each domain alone, scored on its cloze set."""

import pytest
from test_reference_chains import alone, planned

from lethe.errors import UserError
from lethe.planning.reference_chains import TIMES

RATE = {"epochs": 5.0, "batch_size": 32, "max_length": 32, "learning_rate": 2e-3}
TEXTS = "domains/{}/{{split}}.jsonl"


def define(sets: dict) -> dict:
    return {
        "recipes": {"gently": RATE},
        "orders": {"two": ["restaurant", "acl"]},
        "probes": {"outcomes": {"source": "domains", "tasks": sets}},
    }


def entry(metric: str, domain: str) -> dict:
    return {"axis": "domain", "metric": metric, "texts": TEXTS.format(domain)}


SETS = {
    "cloze_restaurant": entry("cloze", "restaurant"),
    "cloze_acl": entry("cloze", "acl"),
    "loss_restaurant": entry("mlm_loss", "restaurant"),
    "cloze_general": entry("cloze", "acl") | {"axis": "evidence"},
}


def of_domains(sets: dict, **references):
    return planned(
        {"orders": ["two"], **references}, models=["masked"], recipe="gently",
        probes=["outcomes"], end_tasks=[], define=define(sets),
    )  # fmt: skip


def test_every_domain_with_a_cloze_set_is_taught_alone_at_four_times_the_passes():
    plan = of_domains(SETS)
    found = alone(plan)
    assert set(found) == {"alone:restaurant", "alone:acl"}
    for order, run in found.items():
        stage = plan.nodes[run.checkpoints[1]].spec
        assert stage["recipe"]["epochs"] == TIMES * RATE["epochs"]
        probes = [plan.nodes[name].spec for name in plan.probes[run.checkpoints[1]].values()]
        sets = [task["name"] for probe in probes for task in probe["tasks"]]
        assert sets == [f"cloze_{order.removeprefix('alone:')}"]


def test_domains_without_cloze_have_no_references_and_a_sentence_says_what_is_lacking():
    losses = {"loss_restaurant": SETS["loss_restaurant"]}
    with pytest.raises(UserError, match="a set `cloze_TASK` of the metric `cloze`"):
        of_domains(losses)
