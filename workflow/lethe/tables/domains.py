"""Domains by method: own, final and forgotten in F1, cloze and loss, and what is at a bound."""

from lethe.longtables.tables import LongTables
from lethe.metrics.bounds import CEILING, FLOOR_GAIN, NEAR_CHANCE
from lethe.metrics.domain_outcomes import MEASURES
from lethe.tables.domain_lines import DomainLine, domain_lines
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

PARTS = ("own", "final", "forgotten")
NONE = "none"
NOTHING = "the study has no end tasks, cloze or loss of domains"
CAPTION = (
    "Domains by method, means over domains. F1: end tasks, of fine-tuned copies; cloze: share of "
    "hidden words that get the right class, without fine-tuning; both in points. Loss: nats a "
    "predicted token. own: right after the domain's stage, final: after the last stage, forgotten: "
    "own - final (loss: final - own) over all domains but the last. none: before any domain. "
    "95 % t-intervals over the units in interval_over, of a single run over stems (losses: texts). "
    f"note: at floor where own is not {FLOOR_GAIN:g} points above a base beside chance (loss: not "
    f"below the base's), or own or final within {NEAR_CHANCE:g} points of chance (of F1 that of "
    "cloze, as it has none of its own); at ceiling where own and final are "
    f"{CEILING:g} or more; such a number shows no forgetting and compares no methods."
)


def build(tables: LongTables) -> Table:
    """A row per model before any domain, and one per line."""
    found = domain_lines(tables)
    models = list(dict.fromkeys(line.named["model"] for line in found))
    rows = []
    for model in models:
        of_model = [line for line in found if line.named["model"] == model]
        rows.append(_before(max(of_model, key=lambda line: len(line.units))))
        rows += [_row(line) for line in of_model]
    table = or_nothing(rows, CAPTION, NOTHING)
    if not rows:
        return table
    shown = [f"{measure}_{part}" for measure in MEASURES for part in PARTS]
    shown = [name for name in shown if table.frame[name].notna().any()]
    several = [
        name for name in ("model", "order") if table.frame[name].nunique() > 1 + (name == "order")
    ]
    columns = [name for name in ("model", "method", "order") if name in (*several, "method")]
    return Table(
        frame=table.frame,
        caption=CAPTION,
        decimals={name: 2 if name.startswith("loss") else 1 for name in shown},
        columns=(*columns, *shown, "interval_over", "note"),
        is_symmetric=all(len(line.units) > 1 for line in found),
    )


def _row(line: DomainLine) -> dict:
    row: dict = dict(line.named)
    for measure in MEASURES:
        for part in PARTS:
            row |= _ends(f"{measure}_{part}", line.cell(measure, part))
    return row | {"interval_over": line.behind(), "note": line.bounds()}


def _before(line: DomainLine) -> dict:
    """The scores of the base, which all lines of a model share, as final ones."""
    row: dict = {**line.named, "method": NONE, "order": ""}
    for measure in MEASURES:
        row |= _ends(f"{measure}_final", line.cell(measure, "base"))
    return row | {"interval_over": line.behind(), "note": ""}


def _ends(name: str, ends: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
