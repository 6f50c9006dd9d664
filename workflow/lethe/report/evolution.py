"""Every axis over the stages, and the loss of training: charts of lines over time."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import numpy as np
import pandas as pd
from markupsafe import Markup

from lethe.figures.appearance import Look, looks, stage_words, tick_words
from lethe.figures.axis_means import axis_means, without_unscored
from lethe.longtables.axes import GENERAL, sorted_axes
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import LongTables, of_run
from lethe.metrics.axis_scores import mixed_words
from lethe.metrics.shown import (
    LINE_COLUMNS,
    PLAIN,
    Line,
    interval_words,
    is_control,
    lines,
    order_of,
    orders,
)
from lethe.report.charts import LEFT, LETTER, RIGHT, Panel, limits
from lethe.report.frontier import Chart, Charts, Key
from lethe.report.source import Made

METHOD = LINE_COLUMNS.index("method")
MOST_LINES = 12
"""Lines of one chart; of more, plain training and the first others."""
MOST_CHARTS = 24
WIDTH = 320.0
"""Of a chart, in units of the drawing."""
MOST_STEPS = 100
"""Points of a curve of losses; of more, means of neighbours."""


def evolution(
    tables: LongTables, wanted: Iterable[str], methods: Iterable[str] = ()
) -> Charts | None:
    """A chart per order and axis.

    wanted: methods that come first where an order has more lines than a chart holds. methods: of
    the whole study, so that they have one colour in all charts of a page.
    """
    metrics = without_unscored(pd.concat([tables.metrics, tables.domains]))
    if not metrics["metric"].str.startswith("score_").any():
        return None
    seen = looks(metrics, methods)
    every = list(seen)
    drawn: list[Chart] = []
    used: dict[Line, None] = {}
    means = []
    for order in orders(metrics):
        mine = _chosen([line for line in every if order_of(line) == order], list(wanted))
        mine += [line for line in every if is_control(line)]
        of_line = {line: axis_means(metrics, line, without=(GENERAL,)) for line in mine}
        names = sorted_axes({axis for frame in of_line.values() for axis in frame["axis"]})
        for axis in names:
            part = {line: frame[frame["axis"] == axis] for line, frame in of_line.items()}
            part = {line: frame for line, frame in part.items() if len(frame) > 1}
            if part and not all(map(is_control, part)):
                several = len(orders(metrics)) > 1
                heading = f"{axis}, {order}" if several else axis
                drawn.append(Chart(heading, _axis_panel(part, seen, heading)))
                used |= dict.fromkeys(part)
                means += part.values()
    if not drawn:
        return None
    words = _caption(pd.concat(means), len(drawn), len(every) > len(used))
    words += mixed_words(metrics[metrics["axis"] != GENERAL])
    return Charts(drawn[:MOST_CHARTS], _legend(used, seen), words, of_lines=True)


def _chosen(mine: list[Line], wanted: list[str]) -> list[Line]:
    if len(mine) <= MOST_LINES:
        return mine
    rank = {name: place for place, name in enumerate([PLAIN, *wanted])}
    mine = sorted(mine, key=lambda line: rank.get(line[METHOD], len(rank)))
    first = list({(line[0], line[METHOD]): line for line in reversed(mine)}.values())[::-1]
    return first[:MOST_LINES]


def _axis_panel(part: dict[Line, pd.DataFrame], seen: dict[Line, Look], heading: str) -> Markup:
    both = pd.concat(part.values())
    low, high = limits(both[["value", "low", "high"]].to_numpy(float).ravel(), 0.1)
    are_shares = both["value"].dropna().between(0, 1).all()
    named = next(frame for line, frame in part.items() if not is_control(line))
    ticks = [
        (float(row["stage_index"]), tick_words(stage_words(row["stage_task"])))
        for row in named.to_dict("records")
    ]
    ticks = _fitting(ticks, [int(place) for place, _ in ticks])
    panel = Panel(
        x=(-0.2, max(place for place, _ in ticks) + 0.2),
        y=(max(low, -0.02), min(high, 1.02)) if are_shares else (low, high),
        y_words="mean score",
        x_ticks=ticks,
        width=WIDTH,
        height=210.0,
        label=heading,
    )
    for line, frame in list(part.items())[::-1]:
        look = seen[line]
        if len(part) <= 4 and not is_control(line):
            panel.band(_triples(frame), look.colour)
        ends = frame[["stage_index", "value"]].astype(float)
        panel.line(
            ends.itertuples(index=False, name=None),
            look.colour,
            class_="curve",
            stroke_dasharray=dashes(look),
        )
        for row in frame.to_dict("records"):
            if not np.isnan(row["value"]):
                at = float(row["stage_index"]), float(row["value"])
                words = f"{look.label}, {stage_words(row['stage_task'])}: {row['value']:.3f}"
                panel.point(at, look.colour, words, size=2.6)
    return panel.svg()


def _fitting(ticks: list[tuple[float, str]], stages: Sequence[int]) -> list[tuple[float, str]]:
    """The ticks, or the numbers of their stages if the words would touch."""
    widest = LETTER * max(len(words) for _, words in ticks) * len(ticks)
    if widest <= WIDTH - LEFT - RIGHT:
        return ticks
    numbers = [str(stage) if stage else "base" for stage in stages]
    return [(at, number) for (at, _), number in zip(ticks, numbers, strict=True)]


def _triples(frame: pd.DataFrame) -> list[tuple[float, float, float]]:
    columns = frame[["stage_index", "low", "high"]].astype(float)
    return [(float(x), float(low), float(high)) for x, low, high in columns.to_numpy()]


def dashes(look: Look) -> str | None:
    """The strokes of a line, which tell models apart; None for a whole line."""
    return None if look.stroke == "-" else " ".join(f"{2 * part:g}" for part in look.stroke[1])


def _legend(used: Iterable[Line], seen: dict[Line, Look]) -> list[Key]:
    looks_by_label = {seen[line].label: seen[line] for line in used}
    return [Key(look.colour, label, dashes(look)) for label, look in looks_by_label.items()]


def _caption(means: pd.DataFrame, charts: int, is_part: bool) -> str:
    words = "Mean score of each axis' sets, from the base to the last stage. "
    words += f"Bands, where a chart has at most 4 lines: {interval_words(means)}"
    words += " Not all methods are drawn; the figure `evolution` has all." if is_part else ""
    return words + (f" The first {MOST_CHARTS} of {charts}." if charts > MOST_CHARTS else "")


def training(tables: LongTables, made: list[Made], methods: Iterable[str] = ()) -> Charts | None:
    """Curves of the training loss, a chart per model and order, of each line's first run.

    methods: as in `evolution`.
    """
    losses = {one.node: one.losses for one in made if one.losses}
    stages = tables.stages[tables.stages["node"].isin(losses)]
    if not len(stages):
        return None
    drawn: dict[tuple[str, str], dict[Line, list]] = {}
    for line in lines(stages):
        keys = list(stages[LINE_COLUMNS].itertuples(index=False, name=None))
        rows = stages[[key == line for key in keys]]
        run = tuple(
            None if pd.isna(rows[name].iloc[0]) else rows[name].iloc[0] for name in RUN_COLUMNS
        )
        chain = of_run(rows, run).drop_duplicates("stage_index").sort_values("stage_index")
        parts = [
            (row["stage_task"], _thinned(losses[row["node"]])) for row in chain.to_dict("records")
        ]
        drawn.setdefault((line[0], order_of(line)), {})[line] = parts
    seen = looks(tables.stages, methods)
    charts = [Chart(", ".join(words), _loss_panel(of, seen)) for words, of in drawn.items()]
    used = dict.fromkeys(line for of in drawn.values() for line in of)
    caption = "Training loss of each line's first run, stage after stage, on a logarithmic scale; "
    caption += "what a method adds to the loss is in it."
    return Charts(charts[:MOST_CHARTS], _legend(used, seen), caption, of_lines=True)


def _thinned(losses: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most MOST_STEPS points, each the mean of its neighbours."""
    size = -(-len(losses) // MOST_STEPS)
    parts = [losses[start : start + size] for start in range(0, len(losses), size)]
    return [(part[-1][0], float(np.mean([loss for _, loss in part]))) for part in parts]


def _loss_panel(of: dict[Line, list], seen: dict[Line, Look]) -> Markup:
    values = [max(loss, 1e-6) for parts in of.values() for _, part in parts for _, loss in part]
    first = max(of.values(), key=len)
    # Each stage has the room of the line with most steps in it.
    ends = [[part[-1][0] + 1 for _, part in parts] for parts in of.values()]
    starts = np.cumsum([0, *(max(several) for several in zip_longest(*ends, fillvalue=0))])
    ticks = [
        ((starts[place] + starts[place + 1]) / 2, tick_words(stage_words(task)))
        for place, (task, _) in enumerate(first)
    ]
    ticks = _fitting(ticks, range(1, len(ticks) + 1))
    panel = Panel(
        x=(0.0, float(starts[-1])),
        y=(min(values) / 1.15, max(values) * 1.15),
        y_words="training loss",
        x_ticks=ticks,
        width=WIDTH,
        height=210.0,
        is_log=True,
    )
    strokes = {line: dashes(seen[line]) for line in of}
    for start in starts[1:-1]:
        panel.level(float(start), is_upright=True, class_="grid")
    for line, parts in list(of.items())[::-1]:
        for start, (_, part) in zip(starts, parts, strict=False):
            places = [(float(start + step), max(loss, 1e-6)) for step, loss in part]
            panel.line(places, seen[line].colour, class_="loss", stroke_dasharray=strokes[line])
    return panel.svg()
