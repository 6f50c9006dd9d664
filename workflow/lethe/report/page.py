"""The report of a study: everything on one page, in the order in which a reader needs it."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lethe.figures.appearance import drawable, method_names
from lethe.figures.frontier_looks import named_methods
from lethe.metrics.learning_curves import level_of
from lethe.metrics.warnings import notes_for
from lethe.report import facts
from lethe.report.cautions import cautions
from lethe.report.claimed import claims
from lethe.report.equal_headlines import equal_tiles
from lethe.report.evolution import evolution, training
from lethe.report.frontier import frontier, points_of
from lethe.report.grids import Grid, grid
from lethe.report.headlines import tiles
from lethe.report.lost import lost_items
from lethe.report.paragraph import paragraph
from lethe.report.source import Source
from lethe.report.tiles import Tile
from lethe.tables.html import environment
from lethe.tables.method_lines import method_lines
from lethe.tables.texts import ALL
from lethe.tables.writing import Table

HERE = Path(__file__).parent
WITHOUT = ("items", "aia", "steps", "tokens", "peak_mb")
"""Columns of the table of methods that the page leaves to its copies and to other tables."""

OF_LINE = ("model", "method", "order")

ITEMS_WITHOUT = ("identified", "lost_r1", "sign_changed", "commonest")


class Report:
    """The parts of a report, each computed once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tables = source.tables
        self.table = cache(self._table)

    def _table(self, name: str) -> Table:
        """A table as `lethe table` builds it, with the study's warnings that concern it."""
        built = import_module(f"lethe.tables.{name}").build(self.tables)
        notes = (*filter(None, [self.tables.on_dev]), *notes_for(built.frame, self.source.warnings))
        return replace(built, notes=notes)

    @cached_property
    def tiles(self) -> list[Tile]:
        """The headline numbers."""
        level = level_of(self.tables)
        if level is not None and (found := equal_tiles(self.table("equal_learning").frame, level)):
            return found
        return tiles(self.tables)

    def grids(self) -> list[tuple[str, str, Grid]]:
        """(id, heading, table) of the tables that compare methods."""
        found = []
        if level_of(self.tables) is not None:
            found.append(
                ("equal", "At equal learning", grid(self.table("equal_learning"), ("recipes",)))
            )
        methods = self.table("methods")
        if "method" in methods.frame:
            found.append(("methods", "Methods", grid(methods, WITHOUT)))
        if len(self.tables.domains) or len(self.tables.end_tasks):
            domains = self.table("domains")
            found += [("domains", "Domains", grid(domains))] if "method" in domains.frame else []
        if len(self.tables.texts):
            found.append(("texts", "Held-out texts", _texts_grid(self.table("texts"))))
        return found

    def content(self) -> dict[str, Any]:
        """What the template is filled with."""
        source, tables = self.source, self.tables
        seen = drawable(tables)
        points, _ = points_of(seen, method_lines(seen))
        wanted = named_methods(points) or [] if len(points) else []
        methods = [*wanted, *method_names(seen.metrics, seen.domains, seen.stages)]
        methods += list(points["method"]) if len(points) else []
        changes = self.table("items") if len(tables.changes) else None
        costs = self.table("compute") if len(tables.stages) else None
        return {
            "name": source.name,
            "headline": sentence(self.tiles),
            "facts": facts.facts(source),
            "tiles": self.tiles,
            "cautions": cautions(tables, source.warnings),
            "frontier": frontier(seen, points, methods),
            "grids": self.grids(),
            "changes": _grid_of_lines(changes, ITEMS_WITHOUT),
            "sets": lost_items(source),
            "evolution": evolution(seen, wanted, methods),
            "training": training(seen, source.made, methods),
            "claims": claims(source.claims) if source.claims else [],
            "costs": _grid_of_lines(costs),
            "halvings": sum(one.halvings for one in source.made),
            "paragraph": paragraph(source),
            "command": facts.command(source),
            "commits": facts.commits(source),
            "versions": facts.versions(source),
            "digests": facts.digests(source),
        }


def _texts_grid(texts: Table) -> Grid:
    """The table of texts with one row a line; its copies have those of single sets too."""
    whole, sets = grid(texts), texts.frame["set"]
    has_all = (sets == ALL).groupby([texts.frame[name] for name in OF_LINE]).transform("any")
    frame = texts.frame[(sets == ALL) | ~has_all].reset_index(drop=True)
    left_out = ("set", "perplexity_base", "perplexity_final") if has_all.all() else ()
    return replace(grid(replace(texts, frame=frame), left_out), forms=whole.forms)


def _grid_of_lines(table: Table | None, left_out: Iterable[str] = ()) -> Grid | None:
    """A table without copies; None if it has no line of the study."""
    if table is None or "method" not in table.frame:
        return None
    return grid(table, left_out, forms=False)


def page(source: Source) -> bytes:
    """The page in UTF-8. Equal tables give equal bytes."""
    style, script = (
        (HERE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment(HERE).get_template("report.html")
    text = template.render(
        **Report(source).content(), style=Markup(style), script=Markup(script), digest=digest
    )
    return text.encode("utf-8")


def sentence(found: list[Tile]) -> str:
    """The first headline number in words; empty if nothing was measured."""
    return (
        f"{found[0].heading}: {found[0].number} ({found[0].interval}). {found[0].words}"
        if found
        else ""
    )
