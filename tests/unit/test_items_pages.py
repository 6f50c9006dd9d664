"""The table and the figure of item changes show the long table's numbers and the noise floor."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.commands.figure import style
from lethe.figures import items as figure
from lethe.longtables.tables import LongTables
from lethe.metrics.noise_floor import control_of, of_control, of_seeds
from lethe.metrics.shown import LINE_COLUMNS, is_control, lines, order_of, shown
from lethe.tables import items as table

STUDY = Synthetic(orders=("forward",), tasks=("simp", "exp"), items=30, sets_an_axis=2)
LAST = 2


@cache
def usual() -> LongTables:
    return long_tables(*synthetic_study(STUDY))


@cache
def two_seeds() -> LongTables:
    """Two train seeds, of which the second gets every third item wrong after stage 1."""
    scores, items = synthetic_study(STUDY)
    later = items["node"].str.contains("simp")
    wrong = later & (items["item_id"].str[-4:].astype(int) % 3 == 0) & items["value_acc"].notna()
    again = items[later].assign(node=items["node"] + "-t1")
    again["correct"] = items["correct"].mask(wrong, 0.0)
    again["value_acc"] = items["value_acc"].mask(wrong, 0.0)
    taught = scores[scores["order"] == "forward"]
    nodes = taught["node"].where(taught["stage_index"] == 0, taught["node"] + "-t1")
    second = taught.assign(node=nodes, train_seed=1)
    return long_tables(pd.concat([scores, second]), pd.concat([items, again]))


def of_axes(tables: LongTables) -> pd.DataFrame:
    rows = shown(tables.changes[tables.changes["against"] == "base"])
    return rows[(rows["probe"] == "") & (rows["stage_index"] == LAST)]


def test_the_table_has_the_numbers_of_the_last_stage_in_percent():
    frame = table.build(usual()).frame
    rows = of_axes(usual())
    assert len(frame) == 2 * 2 * 3  # two models, an order and its control, three axes
    for row in frame.to_dict("records"):
        cell = rows[(rows["model"] == row["model"]) & (rows["order"] == row["order"])]
        cell = cell[cell["axis"] == row["axis"]].iloc[0]
        for name in ("kept", "lost", "lost_high", "never", "lost_r0", "lost_r1_low"):
            assert row[name] == pytest.approx(100 * cell[name])
        assert row["drift"] == pytest.approx(cell["drift"])
        assert row["identified"] == f"{cell['identified']} of {cell['sets']}"


def test_the_control_of_its_model_is_the_floor_of_a_line_and_controls_have_none():
    frame = table.build(usual()).frame
    controls = frame[frame["order"] == "control:general"]
    assert controls["control_lost"].isna().all()
    held = frame[frame["order"] == "forward"].merge(controls, on=["model", "axis"])
    assert len(held) == 6 and (held["control_lost_x"] == held["lost_y"]).all()
    assert (held["control_regained_x"] == held["regained_y"]).all()


def test_a_floor_that_is_not_known_is_said_and_its_column_left_out():
    built = table.build(usual())
    assert "has one train seed" in built.caption and "seeds_lost" not in built.columns
    assert "No control" not in built.caption and "control_lost" in built.columns
    alone = long_tables(*synthetic_study(Synthetic((("s", 7),), control=False, items=10)))
    assert "No control was run" in table.build(alone).caption


def test_flips_between_seeds_are_a_floor():
    built = table.build(two_seeds())
    assert "has one train seed" not in built.caption and "seeds_lost" in built.columns
    frame = built.frame[built.frame["order"] == "forward"]
    rows = of_seeds(two_seeds().changes)
    rows = rows[(rows["probe"] == "") & (rows["stage_index"] == LAST)]
    assert len(frame) == len(rows) == 6
    expected = rows.set_index(["model", "axis"])["lost"] * 100
    for row in frame.to_dict("records"):
        assert row["seeds_lost"] == pytest.approx(expected[row["model"], row["axis"]])
    assert (frame["seeds_lost"] > 5).all()


def test_a_control_of_the_same_method_is_taken_before_that_of_plain_training():
    def line(method: str, order: str, model: str = "m", recipe: str = "default") -> tuple:
        words = {"model": model, "method": method, "order": order, "recipe": recipe}
        return tuple(words.get(name, "{}") for name in LINE_COLUMNS)

    plain, ewc = line("sequential", "control:general"), line("ewc", "control:general")
    other = line("sequential", "control:general", model="other")
    ours, kd = line("ewc", "forward"), line("kd", "forward")
    assert control_of(ours, [plain, ewc, other]) == ewc
    assert control_of(kd, [plain, ewc, other]) == plain
    assert control_of(kd, [ewc, other]) is None
    assert control_of(plain, [plain, ewc]) is None
    again = line("sequential", "control:general", recipe="slow")
    slow = line("sequential", "forward", recipe="slow")
    assert control_of(slow, [plain, again]) == again


def test_every_line_is_held_against_its_own_control():
    rows = of_control(usual().changes)
    assert {line[0] for line in rows["line"]} == set(usual().changes["model"])
    assert not any(is_control(line) for line in rows["line"])
    assert all(line[0] == model for line, model in zip(rows["line"], rows["model"], strict=True))


def drawn(tables: LongTables, width: str = "page"):
    with style():
        return figure.draw(tables, width)


def test_the_figure_shows_what_was_lost_above_and_regained_below_in_percent():
    plotted = drawn(usual()).plotted
    lines_of = plotted[(plotted["shown"] == "line") & (plotted["stage_index"] == LAST)]
    rows = of_axes(usual())
    rows = rows[(rows["order"] == "forward") & (rows["sets"] > 0)].set_index(["model", "axis"])
    assert len(lines_of) == 2 * len(rows) == 12
    for row in lines_of.to_dict("records"):
        cell, sign = rows.loc[(row["model"], row["axis"])], 1 if row["measure"] == "lost" else -1
        assert row["value"] == pytest.approx(sign * 100 * cell[row["measure"]])
        assert row["low"] <= row["value"] <= row["high"]


def test_the_floor_of_a_panel_is_the_largest_of_its_models_on_either_side():
    result = drawn(usual())
    floors = result.plotted[result.plotted["shown"] == "control"]
    knowledge = next(a for a in result.figure.axes if a.get_title(loc="left") == "knowledge")
    heights = [path.vertices[:, 1] for c in knowledge.collections for path in c.get_paths()]
    for measure, furthest in (("lost", np.max), ("regained", np.min)):
        part = floors[(floors["axis"] == "knowledge") & (floors["measure"] == measure)]
        widest = furthest(part.groupby("stage_index")["value"].agg(furthest))
        assert any(np.isclose(furthest(ends), widest) for ends in heights)
    assert "decoder-xs, decoder-s; of several models the most" in result.caption


def test_the_caption_of_the_figure_says_what_the_floors_are():
    assert "Every chain has one train seed" in drawn(usual()).caption
    seeds = drawn(two_seeds())
    assert "Dotted: the share right under one train seed" in seeds.caption
    assert "means of 2 train seeds, too few for an interval" in seeds.caption
    assert (seeds.plotted["shown"] == "seeds").any()


def test_a_study_without_items_says_so_in_both():
    scores, items = synthetic_study(STUDY)
    tables = long_tables(scores, items[:0])
    assert "answered right or wrong" in drawn(tables).caption
    assert table.build(tables).frame["note"].tolist() == ["no item was answered right or wrong"]
    names = {order_of(line) for line in lines(scores)}
    assert names == {"forward", "control:general"}


def test_an_axis_that_cannot_be_compared_has_a_row_that_says_why():
    scores, items = synthetic_study(STUDY)
    base = items["node"].str.endswith("base") & items["probe"].str.startswith("read")
    frame = table.build(long_tables(scores, items[~base])).frame
    reading = frame[frame["axis"] == "reading"]
    assert len(reading) == 4 and reading["lost"].isna().all()
    assert reading["identified"].tolist() == ["0 of 0"] * 4
    assert reading["note"].str.contains("one of the checkpoints has no items").all()
