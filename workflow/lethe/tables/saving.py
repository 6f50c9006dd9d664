"""Write a table in all its forms."""

from pathlib import Path

from lethe.artefacts.files import write_atomic
from lethe.tables.latex import latex
from lethe.tables.web_page import web_page
from lethe.tables.writing import Table, csv_text, markdown


def save(table: Table, directory: Path, name: str) -> list[Path]:
    """Write NAME.csv, NAME.md, NAME.tex and NAME.html."""
    forms = {"csv": csv_text(table.frame), "md": markdown(table), "tex": latex(table)}
    forms["html"] = web_page(table, name)
    return write_forms(forms, directory, name)


def write_forms(forms: dict[str, str], directory: Path, name: str) -> list[Path]:
    """Write NAME.SUFFIX for every text by its suffix."""
    written = []
    for suffix, text in forms.items():
        written.append(Path(directory) / f"{name}.{suffix}")
        write_atomic(written[-1], text)
    return written
