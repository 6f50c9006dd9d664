"""Cost of chains by method: the table's worked numbers, and the figure drawn from it."""

import re

import numpy as np
import pandas as pd
import pytest
from figure_checks import problems

from lethe.commands import figure as command
from lethe.figures.compute import compute_points
from lethe.longtables.tables import METRIC_COLUMNS, LongTables
from lethe.metrics.end_tasks import ALONE
from lethe.tables.compute import CLOCK_TIME, CPU_TIME, build

# Tables and figures of many runs.
pytestmark = pytest.mark.slow

NO_METRICS = pd.DataFrame(columns=METRIC_COLUMNS)
DOMAINS = ("simp", "emdg")
SECONDS = {"sequential": (10.0, 20.0), "das": (25.0, 50.0)}


def chain(order, mixtures, method, seconds, seed, device="cpu"):
    """Rows of one run's stages; `seconds` are those of each on a processor."""
    words = {
        "model": "enc", "params": 7, "world_seed": 1, "base_seed": 0, "method": method,
        "method_params": "{}", "parametrisation": "full", "recipe": "brief", "order": order,
        "train_seed": seed,
        "device": device, "layer": None, "unit": None, "schema_version": 3,
    }  # fmt: skip
    rows = []
    for index, (mixture, spent) in enumerate(zip(mixtures, seconds, strict=True), start=1):
        costs = {"steps": 3, "tokens": 50, "flops": 2e12, "cpu_seconds": spent}
        costs["seconds"] = 7 * spent
        for name, value in costs.items():
            place = {"node": f"{order}{index}", "stage_index": index, "stage_task": mixture}
            rows.append({**words, **place, "measure": f"cost.{name}", "value": value})
    return rows


def stages(device="cpu", seeds=(0, 1, 2)):
    """Two methods on an order of two domains, the pool of both, and each alone.

    A run of seed s is 1 + s times slower than that of seed 0.
    """
    rows = []
    for seed in seeds:
        times = 1.0 + seed
        for method, spent in SECONDS.items():
            rows += chain("both", DOMAINS, method, [times * one for one in spent], seed, device)
        rows += chain("pool", ["simp&emdg"], "sequential", [times * 33], seed, device)
        for domain, spent in zip(DOMAINS, (12, 18), strict=True):
            rows += chain(f"only-{domain}", [domain], "sequential", [times * spent], seed, device)
    return pd.DataFrame(rows)


def table(frame):
    built = build(LongTables(pd.DataFrame(), pd.DataFrame(), frame)).frame
    return built.set_index(["method", "order"]) if "method" in built else built


def test_costs_are_those_of_whole_chains_and_paired_by_seeds():
    """Sequential 30 s, das 75 s for seed 0: 2.5 times, however fast the machine was."""
    found = table(stages())
    das = found.loc[("das", "both")]
    assert das["seconds"] == pytest.approx(75 * 2)
    assert das["ratio"] == das["ratio_low"] == das["ratio_high"] == pytest.approx(2.5)
    assert das["seconds_high"] - das["seconds"] == pytest.approx(4.302653 * 75 / 3**0.5)
    assert das["tokens"] == 100 and das["teraflops"] == pytest.approx(4) and das["runs"] == 3
    assert found.loc[("sequential", "both"), "ratio"] == 1


def test_orders_of_one_stage_are_compared_to_the_sequential_chain():
    """A pool of 33 s and models of 12 and 18 s, against a chain of 30 s."""
    found = table(stages())
    assert found.loc[("sequential", "pool"), "ratio"] == pytest.approx(1.1)
    alone = found.loc[("sequential", ALONE)]
    assert alone["seconds"] == pytest.approx(2 * 30) and alone["ratio"] == pytest.approx(1)
    assert len(found) == 4


def test_plain_training_with_more_steps_costs_what_it_takes_beside_the_usual_recipe():
    """90 s in thrice the steps at `long`, which plain training alone has, against 30 s."""
    usual, longer = stages(), stages()
    longer = longer[(longer["method"] == "sequential") & (longer["order"] == "both")]
    longer = longer.assign(recipe="long", value=3.0 * longer["value"])
    found = build(
        LongTables(pd.DataFrame(), pd.DataFrame(), pd.concat([usual, longer], ignore_index=True))
    ).frame
    both = found[found["order"] == "both"].set_index("method")["ratio"]
    expected = {"sequential (brief)": 1.0, "sequential (long)": 3.0, "das": 2.5}
    assert both.to_dict() == pytest.approx(expected)
    # At another rate with as many steps it is its own measure.
    slow = longer.assign(recipe="slow", value=longer["value"] / 3.0)
    slow.loc[slow["measure"] == "cost.cpu_seconds", "value"] *= 1.2
    found = build(
        LongTables(pd.DataFrame(), pd.DataFrame(), pd.concat([usual, slow], ignore_index=True))
    ).frame
    both = found[found["order"] == "both"].set_index("method")["ratio"]
    assert both["sequential (slow)"] == both["sequential (brief)"] == 1.0


def test_on_a_gpu_the_clock_counts_and_without_sequential_there_is_no_ratio():
    found = table(stages("cuda"))
    assert found.loc[("das", "both"), "seconds"] == pytest.approx(7 * 75 * 2)
    assert set(found["of"]) == {CLOCK_TIME} and set(table(stages())["of"]) == {CPU_TIME}
    frame = stages()
    found = table(frame[frame["method"] == "das"])
    assert np.isnan(found["ratio"]).all() and (found["seconds"] > 0).all()


def test_where_not_all_is_trained_a_chain_is_compared_to_plain_training_of_its_own_kind():
    parts = [stages().assign(parametrisation=how) for how in ("adapters", "lora")]
    parts[1]["value"] *= 3.0
    frame = pd.concat(parts, ignore_index=True)
    found = build(LongTables(pd.DataFrame(), pd.DataFrame(), frame)).frame
    found = found[found["order"] == "both"].set_index("method")["ratio"]
    assert found[["sequential (adapters)", "sequential (lora)"]].tolist() == [1.0, 1.0]
    assert found[["das (adapters)", "das (lora)"]].tolist() == pytest.approx([2.5, 2.5])


def test_a_study_that_trained_nothing_says_so():
    frame = table(stages()[:0])
    assert frame["note"].tolist() == ["no stage was trained here"]


def scores(seeds=(0, 1, 2)):
    """End-task scores to go with `stages`: 0.2 before, 0.5 after everything else."""
    frame = stages(seeds=seeds)
    frame = frame[frame["measure"] == "cost.steps"].drop(columns=["measure", "value", "device"])
    base = frame.drop_duplicates(["method", "order", "train_seed"])
    base = base.assign(stage_index=0, stage_task="", node="base", value=0.2)
    both = pd.concat([base, frame.assign(value=0.5)])
    parts = [both.assign(probe=f"{domain}-end", subset=domain) for domain in DOMAINS]
    words = {"kind": "end_task", "split": "test", "metric": "macro_f1", "headline": True}
    words |= {"axis": "end_task", "chance": 0.1}
    return pd.concat(parts, ignore_index=True).assign(**words, end_task_seed=0)


def drawn(frame, stage_frame, width="text"):
    with command.style():
        return command.draw("compute", LongTables(frame, NO_METRICS, stage_frame), width)


def test_points_join_scores_and_costs():
    points = compute_points(LongTables(scores(), pd.DataFrame(), stages()))
    by = points.set_index(["method", "order"])
    assert by.loc[("das", "both"), ["f1_final", "ratio"]].tolist() == pytest.approx([50, 2.5])
    assert np.isnan(by.loc[("none", ""), "ratio"]) and by.loc[("none", ""), "f1_final"] == 20
    assert by["several"].to_dict() == {
        ("none", ""): False,
        ("sequential", "both"): True,
        ("sequential", "pool"): False,
        ("sequential", ALONE): False,
        ("das", "both"): True,
    }


@pytest.mark.parametrize("width", ["column", "page"])
def test_sixteen_methods_are_told_apart_on_every_width(width):
    parts = [(scores(), stages())]
    for number in range(14):
        name = f"das-with-something-{number}"
        parts.append(tuple(f[f["method"] == "das"].assign(method=name) for f in parts[0]))
    frames = (pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True))
    found = drawn(*frames, width)
    with command.style():
        assert problems(found.figure) == []
    shown = {text.get_text() for legend in found.figure.legends for text in legend.get_texts()}
    assert {"das", "das-with-something-13", "sequential, pool", f"sequential, {ALONE}"} <= shown
    assert len(shown) == 4 + 14


@pytest.mark.parametrize("without", ["scores", "stages"])
def test_without_scores_or_costs_a_page_says_what_is_missing(without):
    frames = {"scores": scores(), "stages": stages()}
    frames[without] = frames[without][:0]
    text = drawn(frames["scores"], frames["stages"]).plotted["missing"].iloc[0]
    assert re.search("name `end_tasks`, and train the chains here", text)
