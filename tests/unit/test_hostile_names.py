"""Names in tables and figures are shown letter by letter, whatever letters they have."""

import csv
import importlib
import io
import re
import warnings
from functools import cache
from xml.etree import ElementTree

import pandas as pd
import pytest
from figure_checks import size_problems, small_texts, texts_off_page
from matplotlib.text import Text
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study

from lethe.commands import figure as command
from lethe.config.by_file import names_in
from lethe.config.pages import FIGURE_WIDTHS
from lethe.errors import one_line
from lethe.figures.appearance import LONGEST_NAME, NAMED, drawable
from lethe.longtables.schema import parse_table, table_text
from lethe.longtables.tables import LongTables
from lethe.tables.latex import latex
from lethe.tables.writing import Table, csv_text, markdown, readable

NAMES = {
    "formula": '=HYPERLINK("x","y")',
    "plus": "+1+cmd|' /C calc'!A0",
    "at": "@SUM(1)",
    "minus": "-x",
    "tab": "\t=1",
    "row": "a\nb",
    "pipe": "a|b",
    "escaped pipe": "a\\|b",
    "code": "`x`",
    "tag": "<img src=x onerror=alert(1)>",
    "entity": "&lt;b&gt;",
    "link": "[a](javascript:alert(1))",
    "emphasis": "*a* _b_ ~~c~~",
    "latex": r"\input{x} & % $ # _ { } ~ ^ \\",
    "option": "[1em]",
    "star": "*",
    "mathtext": r"$\frac{$ and $x$",
    "long": "long" * 500,
    "right to left": "\u202eabc \u05e9\u05dc\u05d5\u05dd",
    "control": "a\x1b[31m\x00b",
    "emoji": "👩\u200d🔬 語",
    "blank": "   ",
    "quotes": "\"a\", 'b', c",
}


def table_of(name):
    return Table(pd.DataFrame({"method": [name, "other"], "x": [-1.5, 2.0]}), f"Of {name}.")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_breaks_no_row_of_markdown_and_marks_nothing_up(name):
    text = markdown(table_of(name))
    lines = text.splitlines()
    assert len(lines) == 6 and all(line.startswith("| ") for line in (lines[2], *lines[4:]))
    row = lines[4]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3
    # A reader of Markdown removes a backslash before punctuation, and marks up what is bare.
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", row)
    for mark in ("`", "*", "~~", "](", "<img", "&lt;"):
        assert mark not in bare
    assert re.search(r"(?<!\w)_(?=\w)", bare) is None
    cell = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", row[2:].rpartition(" | ")[0]).strip()
    assert cell == one_line(name).strip()
    assert all(letter.isprintable() or letter in "\n\u200d" for letter in text)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_is_text_in_latex(name):
    text = latex(table_of(name))
    body = text.partition("\\midrule\n")[2].removeprefix("\\endhead\n").splitlines()
    row = body[0]
    assert row.endswith(r" & -1.50 \\") and not row.startswith(("[", "*"))
    assert body[2] == r"\bottomrule"
    # A long name is a small table of its own.
    row = row.replace(r"\begin{tabular}[t]{@{}l@{}}", "").replace(r"\end{tabular} &", " &")
    row = row.removesuffix(r" & -1.50 \\").replace(r"\\", "")
    for symbol in ("<", ">", "|"):
        row = row.replace(f"${symbol}$", "")
    without = row.replace(r"\textbackslash{}", "").replace(r"\textasciitilde{}", "")
    without = without.replace(r"\textasciicircum{}", "").removeprefix("{}")
    without = re.sub(r"\\[&%$#_{}]", "", without).replace("{}[", "[").replace("{}*", "*")
    without = without.replace(r"\dots{}", "")
    assert not set(without) & set("\\&%$#_{}~^")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_is_no_formula_in_a_table_for_people_and_a_number_stays_a_number(name):
    head, first, second = csv.reader(io.StringIO(csv_text(table_of(name).frame), newline=""))
    assert head == ["method", "x"] and first[1] == "-1.5" and second == ["other", "2.0"]
    assert first[0].removeprefix("'") == one_line(name).removeprefix("'")
    assert not first[0].lstrip().startswith(("=", "+", "-", "@", "\t"))


def test_numbers_in_columns_of_text_stay_as_they_are():
    frame = pd.DataFrame({"value": ["-1.5", "+2", "-1e-3", -4, None, "> -1"]})
    assert csv_text(frame).splitlines()[1:] == ["-1.5", "+2", "-1e-3", "-4", '""', "> -1"]


def test_a_formula_as_a_columns_name_is_text_too():
    assert csv_text(pd.DataFrame({"=1": [1]})).startswith("'=1\n")


def test_the_long_tables_keep_every_letter_of_a_name():
    tables = hostile()
    again = parse_table("metrics", table_text("metrics", tables.metrics, "metrics"), "metrics")
    assert set(again["probe"]) == set(tables.metrics["probe"])


@cache
def hostile() -> LongTables:
    """A made-up study in which what users name has hostile names."""
    what = Synthetic(FULL, orders=("forward", "mixed"), items=6, sets_an_axis=1)
    scores, items = synthetic_study(what)
    apart = scores[scores["metric"] == "pct_stereotype"]
    scores = pd.concat([scores, apart.assign(metric="likelihood_diff", headline=False)])
    tables = long_tables(scores, items, resamples=5)
    names = list(NAMES.values())
    renamed = {
        "model": dict(zip([model for model, _ in FULL], names[:4], strict=True)),
        "probe": {"know_nature": NAMES["latex"], "read_middle": NAMES["long"]},
        "subset": {"age": NAMES["mathtext"], "gender": NAMES["long"], "region": NAMES["blank"]},
        "series": {"decoder": NAMES["long"], "encdec": NAMES["emoji"]},
        "recipe": {"default": NAMES["row"]},
        "axis": {"knowledge": NAMES["mathtext"], "reasoning": NAMES["right to left"]},
        "order": {"forward": NAMES["control"]},
    }
    renamed["model"]["decoder-xs"] = NAMES["mathtext"] + NAMES["long"]
    renamed["model"]["decoder-s"] = NAMES["tag"] + "語👩\u200d🔬"
    renamed["untuned"] = renamed["model"]
    frames = {
        key: frame.assign(
            **{c: frame[c].replace(renamed[c]) for c in renamed if c in frame.columns}
        )
        for key, frame in {"scores": tables.scores, "metrics": tables.metrics}.items()
    }
    return LongTables(**frames)


@pytest.mark.slow
@pytest.mark.parametrize("name", names_in("tables"))
def test_every_table_of_hostile_names_has_whole_rows_in_all_forms(name):
    table = importlib.import_module(f"lethe.tables.{name}").build(hostile())
    if not len(table.frame.columns):
        assert name == "masked_loss"  # the study has no masked language model
        return
    width = len(readable(table).columns)
    rows = [line for line in markdown(table).splitlines() if line.startswith("|")]
    assert len(rows) == len(table.frame) + 2
    bare = [re.sub(r"\\[!-/:-@\[-`{-~]", "", row) for row in rows]
    assert {row.count("|") for row in bare} == {width + 1}
    fields = {len(row) for row in csv.reader(io.StringIO(csv_text(table.frame), newline=""))}
    assert fields == {len(table.frame.columns)}


@pytest.mark.slow
@pytest.mark.parametrize("name", names_in("figures"))
def test_every_figure_draws_hostile_names_literally_and_on_the_page(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        command.render(name, hostile(), tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdf", ".svg", ".png", ".csv", ".txt"}
    picture = ElementTree.parse(tmp_path / f"{name}.svg")
    assert not {"script", "image", "a"} & {tag.tag.rpartition("}")[2] for tag in picture.iter()}
    for width in FIGURE_WIDTHS:
        with command.style(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")
            figure = command.draw(name, hostile(), width).figure
            figure.draw_without_rendering()
            assert [*size_problems(figure), *texts_off_page(figure), *small_texts(figure)] == []
        assert not any(text.get_parse_math() for text in figure.findobj(Text))


def test_usual_names_are_drawn_as_they_are_and_others_stay_different():
    usual = long_tables(*synthetic_study(Synthetic(items=4, sets_an_axis=1)), resamples=5)
    assert drawable(usual) is usual
    tables = hostile()
    found = drawable(tables)
    for column in (name for name in NAMED if name in tables.metrics):
        assert found.metrics[column].nunique() == tables.metrics[column].nunique()
        for name in found.metrics[column].dropna().unique():
            assert len(name) <= LONGEST_NAME + 4 and name == one_line(name)
