"""The table of claims in three forms: a CSV with every column, a Markdown page, and LaTeX."""

from pathlib import Path

import pandas as pd

from lethe.tables.latex import latex
from lethe.tables.saving import write_forms
from lethe.tables.web_page import web_page
from lethe.tables.writing import Table, csv_text, markdown, markdown_text

PAGE_COLUMNS = [
    "part", "about", "verdict", "effect", "effect_low", "effect_high", "metric", "n", "unit",
    "p_holm", "smallest_effect", "shown", "published", "note",
]  # fmt: skip
LATEX_COLUMNS = [
    "claim", "part", "about", "verdict", "effect", "effect_low", "effect_high", "n", "unit",
    "p_holm", "smallest_effect", "shown", "published",
]  # fmt: skip


def save_claims(table: Table, directory: Path) -> list[Path]:
    """Write claims.csv, claims.md and claims.tex."""
    narrow = Table(table.frame[LATEX_COLUMNS], table.caption, table.decimals, notes=table.notes)
    forms = {
        "csv": csv_text(table.frame),
        "md": page(table),
        "tex": latex(narrow),
        "html": web_page(narrow, "claims"),
    }
    return write_forms(forms, directory, "claims")


def page(table: Table) -> str:
    """An overview, then a section per claim: statement, verdicts, published numbers."""
    frame = table.frame
    heads = frame[frame["part"] == ""]
    outcomes = ["by_outcome"] if heads["by_outcome"].any() else []
    overview = markdown(Table(heads[["claim", "verdict", *outcomes, "published", "statement"]], ""))
    sections = [_section(table, rows) for _, rows in frame.groupby("claim", sort=False)]
    notes = [f"\n{markdown_text(note)}." for note in table.notes]
    return "\n".join(["# Claims\n", table.caption, *notes, overview, *sections])


def _section(table: Table, rows: pd.DataFrame) -> str:
    head, under = rows.iloc[0].map(_literal), rows.iloc[1:]
    stated = under[under["statement"] != ""].map(_literal)
    words = [f"## {head['claim']}: {head['verdict']}\n", f"{head['statement']}\n"]
    words += [f"Published in: {head['source']}. Here: {head['note']}.\n"]
    for row in stated.to_dict("records"):
        words.append(f"- **{row['part']}**: {row['statement']}.")
        if row["published_numbers"]:
            words.append(
                f"  - Published numbers{row['published'] and ' ' + row['published']}: "
                f"{row['published_numbers']}. Source: {row['source']}."
            )
    return "\n".join(words) + markdown(Table(under[PAGE_COLUMNS], "", table.decimals))


def _literal(value: object) -> object:
    return markdown_text(value) if isinstance(value, str) else value
