"""Tables in LaTeX: they compile, fit a text block of 6.5 inches, and say each thing once."""

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study
from test_hostile_names import NAMES

from lethe.config.by_file import names_in
from lethe.tables.latex import latex
from lethe.tables.latex_text import width, wrapped
from lethe.tables.writing import Table

needs_pdflatex = pytest.mark.skipif(
    shutil.which("pdflatex") is None and not os.environ.get("CI"),
    reason="no pdflatex here; tests/latex/install-latex.sh installs it",
)
DOCUMENT = r"""\documentclass[{size}]{{article}}
\usepackage[T1]{{fontenc}}\usepackage[utf8]{{inputenc}}
\usepackage[textwidth=6.5in,textheight=9in]{{geometry}}\usepackage{{booktabs,longtable}}
\begin{{document}}
{tables}
\end{{document}}
"""
HOSTILE = [name for name in NAMES.values() if name.isascii() and name.isprintable()]


def complaints(tables: dict[str, str], folder: Path, size: str = "10pt") -> list[str]:
    """What pdflatex says of boxes that are too wide or floats that are too high, by table."""
    for name, text in tables.items():
        (folder / f"{name}.tex").write_text(text)
    inputs = "\n".join(rf"\typeout{{TABLE {n}}}\input{{{n}}}\clearpage" for n in tables)
    (folder / "all.tex").write_text(DOCUMENT.format(size=size, tables=inputs))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert done.stdout.count("TABLE ") == len(tables)
    return re.findall(
        r"TABLE \w+(?=[^T]*(?:Overfull|too large))|Overfull.*|.*too large.*", done.stdout
    )


def tables_of(what: Synthetic) -> dict[str, str]:
    tables = long_tables(*synthetic_study(what), resamples=20)
    return {
        name: latex(importlib.import_module(f"lethe.tables.{name}").build(tables))
        for name in names_in("tables")
    }


@needs_pdflatex
@pytest.mark.slow
@pytest.mark.parametrize("size", ["10pt", "12pt"])
def test_no_table_of_a_study_is_wider_than_the_text(tmp_path, size):
    what = Synthetic(FULL, orders=("forward", "reverse", "mixed"), items=6)
    assert complaints(tables_of(what), tmp_path, size) == []


def wide(**columns) -> Table:
    """Many columns with intervals, long words, notes and bold cells."""
    rows = 4
    frame = pd.DataFrame(
        {
            "model": ["m" * 48, "a model of many words " * 6, "a_b/c-d" * 9, "x"],
            **{name: [f"{name} {row}" for row in range(rows)] for name in "abcde"},
            **{
                f"column_{place}{end}": np.arange(rows) * 100.0 + shift
                for place in range(15)
                for end, shift in {"": 0, "_low": -1.5, "_high": 1.5}.items()
            },
            "note": ["seen " * 60, "", "[other] & 100 % of it", "seen " * 60],
            **columns,
        }
    )
    return Table(
        frame, "A caption. Of `several` sentences_with_words.", bold=frozenset({(1, "column_3")})
    )


@needs_pdflatex
def test_any_table_fits_however_wide_its_frame(tmp_path):
    made = {
        "wide": wide(),
        "long": Table(pd.concat([wide().frame] * 40, ignore_index=True), "Long."),
        "alone": Table(wide().frame.iloc[:1], "One row."),
        "words": Table(pd.DataFrame({"note": ["nothing of this kind " * 9]}), "Empty."),
        "hostile": Table(pd.DataFrame({"a_{b}%": HOSTILE, "x": np.arange(len(HOSTILE))}), "$x_"),
        "symmetric": Table(wide().frame, "Halves.", is_symmetric=True, missing="none"),
    }
    assert complaints({name: latex(table) for name, table in made.items()}, tmp_path) == []


def body(text: str) -> list[str]:
    return text.partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()


def test_what_all_rows_share_is_said_in_the_caption_alone():
    frame = pd.DataFrame({"model": ["a", "b"], "method": ["ewc"] * 2, "fg_luo": [1.0, 2.0]})
    text = latex(Table(frame, "Forgetting. fg_luo: a drop."))
    assert r"\caption[{Forgetting}]{Forgetting. FG: a drop. All rows: method ewc.}" in text
    assert body(text) == [r"a & 1.00 \\", r"b & 2.00 \\"]
    assert r"model & FG \\" in text and "fg" not in text


def test_a_name_is_said_once_for_the_rows_below_it_and_groups_stand_apart():
    frame = pd.DataFrame(
        {"model": ["a", "a", "b"], "order": ["x", "y", "y"], "score": [1.0, 2.0, 3.0]}
    )
    expected = [r"a & x & 1.00 \\", r" & y & 2.00 \\", r"\addlinespace", r"b & y & 3.00 \\"]
    assert body(latex(Table(frame, ""))) == expected


def test_notes_stand_below_with_a_mark_at_their_rows():
    frame = pd.DataFrame({"model": list("pqr"), "x": [1.0, 2, 3], "note": ["few", "", "few"]})
    text = latex(Table(frame, ""))
    assert [line.partition(" &")[0] for line in body(text)] == [
        r"p\textsuperscript{a}", "q", r"r\textsuperscript{a}"
    ]  # fmt: skip
    assert text.count("few") == 1 and r"\textsuperscript{a}~few" in text


def test_intervals_go_below_and_columns_into_parts_when_there_is_no_room():
    def study(columns: int) -> str:
        frame = pd.DataFrame({"model": ["a", "b"]})
        for place in range(columns):
            frame[f"x{place}"], frame[f"x{place}_low"], frame[f"x{place}_high"] = 12.5, 10.25, 14.75
            frame[f"x{place}"] += frame.index
        return latex(Table(frame, ""))

    beside, below, parts = study(3), study(9), study(15)
    assert len(body(beside)) == 2 and beside.count(r"\begin{tabular}") == 1
    assert len(body(below)) == 4 and below.count(r"\begin{tabular}") == 1
    assert len(body(parts)) == 4 and parts.count(r"\begin{tabular}") == 2
    for text in (beside, below, parts):
        assert text.count(r"\caption") == 1
    assert parts.count("[10.25, 14.75]") == 2 * 15


def test_a_long_table_goes_over_pages_and_repeats_its_head():
    frame = pd.DataFrame({"model": [f"m{n}" for n in range(80)], "x": np.arange(80.0)})
    text = latex(Table(frame, "Many."))
    assert r"\begin{longtable}" in text and r"\endhead" in text and "table*" not in text
    assert len(body(text)) == 81  # with \endhead


def test_wrapped_lines_are_no_wider_than_asked_and_lose_nothing():
    text = "a word, then_a-very.long/" + "x" * 90 + " and WIDE letters @@@@"
    lines = wrapped(text, 8, 70)
    assert all(width(line, 8) <= 70 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
