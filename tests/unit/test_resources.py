"""What jobs ask of a cluster: the arithmetic by size, growth by attempt, and tokens from a spec."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from lethe.artefacts.rules import RULES
from lethe.cli import main
from lethe.config.by_file import names_in
from lethe.config.catalogue import Catalogue
from lethe.config.reading import parse_study
from lethe.methods.parameters.base import parameters_of
from lethe.models.parameter_bytes import TRAINING
from lethe.planning.nodes import Node, Plan
from lethe.planning.resources import (
    GPU_BYTES,
    USABLE_SHARE,
    Request,
    gpus,
    held_by_method,
    lost_seconds,
    request,
    scored_items,
    tokens_at_once,
    training_tokens,
)
from lethe.planning.workflow import Workflow
from lethe.training.memory import elsewhere

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 7.1e9


def fixed(rule):
    return Request(RULES[rule].memory, RULES[rule].minutes, gpu=0)


def test_every_rule_asks_by_its_own_name():
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", text, re.M | re.S)
    assert rules
    for name, body in rules:
        assert f'**get_request("{name}")' in body
        assert f"-m lethe {name} " in body
    assert {name for name, _ in rules} == RULES.keys()


@pytest.mark.parametrize("kind", RULES)
def test_small_models_ask_for_no_gpu_and_a_job_without_a_model_for_what_is_fixed(kind):
    assert request(kind, 0.2e6).gpu == 0
    assert request(kind, 49e6).gpu == 0
    assert request(kind, 0) == fixed(kind)


def test_full_training_of_the_largest_model_takes_two_gpus_of_80_gb_by_hand():
    # 7.1e9 x 18 bytes = 127.8 GB, of which a GPU holds 64 GB beside activations.
    assert request("stage", LARGEST).gpu == 2
    # The same in bfloat16 arithmetic, whose weights are float32.
    assert request("stage", LARGEST, dtype="bfloat16") == request("stage", LARGEST)
    assert gpus(3.5e9, trains=True, dtype="bfloat16") == 1
    # Scoring holds the weights alone: 28.4 GB.
    assert request("probe", LARGEST).gpu == 1
    # Six copies of four bytes in host memory beside 2 GB: 172.4 GB.
    assert request("stage", LARGEST).mem_mb == 172_400


def test_the_time_of_a_stage_is_six_operations_a_parameter_and_token_by_hand():
    # 6 x 7.1e9 x 153.6e6 = 6.54e18 operations at 2e14 a second: 545.3 minutes, and 20.
    asked = request("stage", LARGEST, training_tokens=100_000 * 3 * 512)
    assert asked.runtime == 566


def test_requests_never_shrink_with_the_size_of_the_model_on_the_same_gpus():
    for kind in ("base", "stage", "probe"):
        asked = [request(kind, size, training_tokens=1e8) for size in (60e6, 1.1e9, 1.7e9, 3e9)]
        assert {ask.gpu for ask in asked} == {1}
        for before, after in zip(asked, asked[1:], strict=False):
            assert before.mem_mb < after.mem_mb
            assert before.runtime <= after.runtime


@pytest.mark.parametrize("kind", RULES)
def test_a_retry_asks_for_more_memory_and_time_and_the_same_gpus(kind):
    for size in (0, 1e6, LARGEST):
        first, second, third = (request(kind, size, attempt) for attempt in (1, 2, 3))
        assert first.gpu == second.gpu == third.gpu
        assert first.mem_mb * 1.5 - 1 <= second.mem_mb < third.mem_mb
        assert first.runtime * 1.5 - 2 <= second.runtime < third.runtime


def test_a_base_that_is_fetched_asks_for_no_gpu():
    asked = request("base", LARGEST, training_tokens=0)
    assert asked == Request(2000 + 56_800, 20, 0)


def test_an_unknown_rule_is_an_error():
    with pytest.raises(KeyError):
        request("stages", 1e9)


def recipe(**values):
    return {"steps": None, "epochs": None, "batch_size": 128, "max_length": 512, **values}


def test_tokens_come_from_steps_or_from_epochs_of_the_counted_examples():
    spec = {"recipe": recipe(steps=10), "mixture": [{"count": None}]}
    assert training_tokens(spec) == 10 * 128 * 512
    spec = {"recipe": recipe(epochs=3), "mixture": [{"count": 100}, {"count": 20}]}
    assert training_tokens(spec) == 3 * 120 * 512
    spec = {"recipe": recipe(epochs=3), "mixture": [{"count": 100}, {"count": None}]}
    assert training_tokens(spec) is None
    assert training_tokens({"kind": "probe"}) == 0


@pytest.mark.parametrize(
    ("method", "hyper", "copies"),
    [
        ("sequential", {}, 0),
        ("l2sp", {}, 1),
        ("l2sp", {"anchor": "base"}, 2),
        ("ewc", {}, 2),
        ("kd", {}, 1),
        ("agem", {}, 1),
        ("wise_ft", {}, 1),
        ("ema", {}, 1),
        ("task_arithmetic", {}, 2),
        ("self_replay", {}, 1),
        ("replay", {}, 0),
        ("hat", {}, 2),
        ("das", {}, 0),
        ("das", {"mask": "update"}, 1),
    ],
)
def test_what_a_method_holds_counts_beside_the_model(method, hyper, copies):
    spec = {"method": method, "hyper": hyper}
    assert held_by_method(spec, 3e9, 3e9) == copies * 3e9
    held = held_by_method(spec, 3e9, 3e9)
    more = request("stage", 3e9, held=held).mem_mb - request("stage", 3e9).mem_mb
    assert more == pytest.approx(copies * 3e9 * 4 / 1e6)


def test_of_lora_a_copy_is_of_the_adapter_and_a_network_is_whole():
    assert held_by_method({"method": "ewc", "hyper": {}}, 7e9, 2e7) == 4e7
    assert held_by_method({"method": "kd", "hyper": {}}, 7e9, 2e7) == 7e9
    assert held_by_method({"kind": "probe"}, 7e9, 7e9) == 0


def test_copies_of_a_model_that_just_fits_a_gpu_need_another():
    assert gpus(3.5e9, trains=True, dtype="bfloat16") == 1
    assert gpus(3.5e9, trains=True, dtype="bfloat16", held=7e9) == 2


def test_a_method_that_says_it_costs_a_copy_or_a_network_declares_how_many():
    for name in names_in("methods"):
        hyper = parameters_of(name)
        says = re.search(r"cop(y|ies) of|another gradient|teacher in memory", hyper.cost)
        assert not says or hyper.copies or hyper.networks, name


def test_the_workflow_asks_by_the_size_and_the_recipe_of_a_node():
    spec = {"recipe": recipe(steps=1000, dtype="bfloat16"), "mixture": []}
    plan = Plan(nodes={"large": Node("large", "stage", spec, ())}, sizes={"large": LARGEST})
    study = parse_study(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    workflow = Workflow(study, Catalogue(), plan, record="", claims_record="")
    tokens = 1000 * 128 * 512
    expected = request("stage", LARGEST, 2, tokens, "bfloat16")
    assert workflow.request("stage", "large", attempt=2) == expected
    # A node whose size nobody told, and a rule that makes no node.
    plan.sizes.clear()
    assert workflow.request("stage", "large", attempt=1) == fixed("stage")
    assert workflow.request("collect", None, attempt=1) == fixed("collect")


def cell(kind: str, size: float) -> str:
    """As in the manual: memory in GB, time in hours and minutes, GPUs if any."""
    asked = request(kind, size)
    hours, minutes = divmod(asked.runtime, 60)
    time = f"{hours} h {minutes:02d}" if hours else f"{minutes} min"
    gpu = f", {asked.gpu} GPU{'s' if asked.gpu > 1 else ''}" if asked.gpu else ""
    return f"{asked.mem_mb / 1000:.0f} GB, {time}{gpu}"


def test_every_sentence_says_the_bytes_that_requests_are_made_of():
    # A model of so many parameters fills one GPU's share for training, and the next one does not.
    most = int(GPU_BYTES * USABLE_SHARE / TRAINING)
    assert gpus(most, True, "float32") == 1 and gpus(most * 1.001, True, "float32") == 2
    manual = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    assert f"takes {TRAINING} bytes a parameter" in manual
    stage = SimpleNamespace(step=3)
    assert f"({TRAINING} bytes per parameter)" in str(elsewhere(stage))


def test_the_manual_tells_what_is_asked_for():
    manual = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    for kind in ("stage", "probe"):
        cells = " | ".join(cell(kind, size) for size in (0.2e6, 1.1e9, 3.0e9, LARGEST))
        assert f"\n| `{kind}` | {cells} |\n" in manual
    for kind in ("data", "collect", "summarize"):
        assert f"\n| `{kind}` | {cell(kind, 0)} | | | |\n" in manual


def test_what_reads_every_item_asks_for_memory_by_their_number():
    tasks = {"tasks": [{}] * 10}
    assert scored_items([tasks, {**tasks, "limit": 8}, {"kind": "probe"}]) == 10 * 2400 + 10 * 8
    assert request("collect", 0, items=10e6).mem_mb == 4000
    assert request("summarize", 0, items=10e6, attempt=2).mem_mb == 8000
    assert request("summarize", 0, items=1e5) == fixed("summarize")


def test_a_killed_job_repeats_the_time_between_two_snapshots():
    assert lost_seconds(0, 60.0) == lost_seconds(0.2e6, 60.0) == 60.0
    # 7e9 x 12 bytes at 0.3 GB a second take 280 s: the next one starts 49 times as long after it.
    assert lost_seconds(7e9, 60.0) == pytest.approx(280 * 49)


def test_the_plan_says_what_a_kill_costs(capsys):
    assert main(["plan", "--configfile", str(ROOT / "config" / "luo2023.yaml")]) == 0
    said = capsys.readouterr().out.splitlines()[-2:]
    assert re.fullmatch(
        r"A job that is killed repeats at most, as estimated: stage [\d,]+ s of training, "
        "probe the evaluation task in progress.",
        said[0],
    )
    assert "saves first" in said[1]


def test_das_asks_for_the_passes_of_its_importances_and_of_its_contrast():
    spec = {"recipe": {"batch_size": 4, "max_length": 256}, "method": "das", "hyper": {}}
    # Two passes of the proxy on 32 texts; with 4 of them, the loss's and the contrast's two.
    assert tokens_at_once(spec) == 2 * 32 * 256
    assert tokens_at_once({**spec, "hyper": {"importance_batch": 4}}) == 3 * 4 * 256
    assert tokens_at_once({**spec, "method": "sequential"}) == 4 * 256
    alone = {"importance_batch": 1, "contrast_weight": 0, "initialise": "none"}
    assert tokens_at_once({**spec, "hyper": alone}) == 4 * 256
