"""Axes are names: any ability has its place in tables and figures; a few names have a meaning."""

from importlib import import_module

import numpy as np
import pytest
import yaml
from figure_checks import problems
from synthetic_study import FULL, SETS, Synthetic, long_tables, synthetic_study

from lethe.commands.figure import style
from lethe.config.by_file import names_in
from lethe.config.catalogue import Evaluation, Probe
from lethe.config.reading import read_catalogue, read_study
from lethe.errors import UserError
from lethe.figures.drawing import finish
from lethe.longtables.axes import sorted_axes
from lethe.parameters.sentences import validated
from lethe.tables.general_ability import build
from lethe.tables.saving import save

# Every figure and table of studies with axes of their own.
pytestmark = pytest.mark.slow

OWN_AXES = (("code", ("code_python", "code_sql")), ("safety", ("safety_refusals",)))
SIX = (*((axis, tuple(sets[:2])) for axis, sets in SETS.items()), *OWN_AXES)
ONE = (("safety", ("safety_refusals",)), ("own", ("own_simp", "own_emdg")))
STUDIES = {
    "six": Synthetic(FULL, orders=("forward", "mixed"), items=12, sets=SIX),
    "one": Synthetic(FULL[:2], orders=("forward",), items=12, sets=ONE, tasks=("simp", "emdg")),
}
known = {}


def study(name):
    if name not in known:
        known[name] = long_tables(*synthetic_study(STUDIES[name]))
    return known[name]


def test_the_papers_axes_come_first_then_others_by_name_then_what_is_no_ability():
    mixed = ["general", "safety", "own", "bias", "code", "reading", "knowledge"]
    assert sorted_axes(mixed) == [
        "knowledge", "reading", "bias", "code", "safety", "own", "general",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", STUDIES)
@pytest.mark.parametrize("name", names_in("tables"))
def test_every_table_is_made_of_a_study_with_axes_of_its_own(name, kind, tmp_path):
    built = import_module(f"lethe.tables.{name}").build(study(kind))
    assert all(path.stat().st_size for path in save(built, tmp_path, name))
    frame = built.frame
    if "axis" not in frame or name == "published":  # the papers have no such axes
        return
    found = list(dict.fromkeys(axis for axis in frame["axis"] if axis != "own"))
    assert {"safety"} <= set(found)
    assert found == sorted_axes(found)


def test_the_table_of_general_ability_has_columns_for_every_axis_in_order():
    columns = [name for name in build(study("six")).frame if name.endswith("_FG")]
    assert columns == [
        "knowledge_FG", "reasoning_FG", "reading_FG", "code_FG", "safety_FG",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", STUDIES)
@pytest.mark.parametrize("name", names_in("figures"))
def test_every_figure_is_drawn_of_a_study_with_axes_of_its_own_and_nothing_overlaps(name, kind):
    with style():
        drawn = import_module(f"lethe.figures.{name}").draw(study(kind))
        assert problems(finish(drawn.figure)) == []


@pytest.mark.parametrize("name", ["fg", "learning_forgetting", "evolution", "scale"])
def test_figures_show_what_is_forgotten_of_every_axis(name):
    with style():
        plotted = import_module(f"lethe.figures.{name}").draw(study("six")).plotted
    assert {"knowledge", "code", "safety"} <= set(plotted["axis"])
    shown = plotted[plotted["axis"] == "safety"]["value"].astype(float)
    assert np.isfinite(shown).any()


@pytest.mark.parametrize("axis", ["code", "safety", "knowledge", "instruction-following"])
def test_an_axis_may_have_any_name(axis):
    assert Evaluation(axis=axis, metric="acc").axis == axis


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"axis": "general", "metric": "acc"}, "`general` is the mean over all axes"),
        ({"axis": "end_task", "metric": "acc"}, "`end_task` is the axis of end tasks"),
        ({"axis": "bias", "metric": "acc"}, "`metric: pct_stereotype` beside `axis: bias`"),
        ({"axis": "domain", "metric": "mlm_loss"}, "`texts` beside `axis: domain`"),
        ({"axis": "", "metric": "acc"}, "axis in a probe: expected a name of letters"),
    ],
)
def test_a_reserved_axis_that_does_not_mean_what_it_says_is_one_sentence(entry, sentence):
    with pytest.raises(UserError) as error:
        validated(Probe, {"tasks": {"mine": entry}}, "a probe")
    assert sentence in str(error.value) and "tasks.mine" in str(error.value)
    assert "\n" not in str(error.value)


def with_own(tmp_path, text):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"define": yaml.safe_load(text)}))
    return read_catalogue(read_study([tmp_path / "own.yaml"]))


def test_the_test_of_a_task_is_of_the_axis_own(tmp_path):
    with pytest.raises(UserError, match="probes.mine.tasks.own_simp.axis: expected `own`.*'code'"):
        with_own(tmp_path, "probes: {mine: {tasks: {own_simp: {axis: code, metric: acc}}}}")


def test_a_claim_of_an_axis_that_no_set_has_is_one_sentence(tmp_path):
    part = "{contrast: above_zero, metric: fg_luo, axes: [saftey], unit: bases, smallest_effect: 1}"
    claim = f"claims: {{mine: {{statement: a, family: b, parts: {{one: {part}}}}}}}"
    probe = "probes: {mine: {tasks: {refusals: {axis: safety, metric: acc}}}}"
    with pytest.raises(UserError, match="parts.one.axes: 'saftey' is not known.*'safety'"):
        with_own(tmp_path, f"{claim}\n{probe}")
    assert "mine" in with_own(tmp_path, f"{claim}\n{probe}".replace("saftey", "safety")).claims
