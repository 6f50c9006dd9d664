"""How a line looks: a colour for each model or method, the same in every figure of a study."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from lethe.errors import one_line
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import CONTROL, LINE_COLUMNS, Line, is_control, lines, order_of

# Okabe and Ito's colours, which colour-blind readers can distinguish, and three of Tol's.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#000000"]
PALETTE += ["#882255", "#999933", "#332288"]
METHODS = {
    "sequential": "#0072B2",
    "sequential-das-rate": "#56B4E9",
    "ewc": "#009E73",
    "das": "#CC79A7",
    "kd": "#E69F00",
    "derpp": "#882255",
    "hat": "#332288",
    "adapter": "#999933",
    "demix": "#44AA99",
    "prompt": "#000000",
}
CONTROL_COLOUR = "#8A8A8A"
OTHER_METHOD = "#5A5A5A"
MARKERS = ["o", "s", "^", "P", "X", "h", "p", "*"]
CONTROL_MARKERS = ["D", "d", "v", "<", ">"]
STROKES = ["-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2))]

LONGEST_TICK = 12
LONGEST_NAME = 48
"""Characters of a name. Those of a study are shorter; of scores made elsewhere they need not be."""
LONGEST_LABEL = 80
"""Characters of a legend's entry, which fill a line of the narrowest page."""
NAMED = ["model", "series", "untuned", "method", "recipe", "order", "axis", "probe", "subset"]
"""Columns whose values are drawn as names."""
METRIC_WORDS = {
    "acc": "accuracy",
    "pct_stereotype": "stereotype share",
    "sari": "SARI",
    "bleu": "BLEU",
    "rouge1": "ROUGE-1",
    "exact_match": "exact match",
    "loss": "loss, nats",
}


def drawable(tables: LongTables) -> LongTables:
    """The tables with names that a figure can show: on one line, and not too long.

    Different names stay different. Usual names are as they were.
    """
    frames = {name: getattr(tables, name) for name in ("scores", "metrics", "stages")}
    drawn: dict[str, str] = {}
    for name in dict.fromkeys(_names(frames.values())):
        words = shortened(one_line(name).strip() or repr(name), LONGEST_NAME) if name else ""
        others = set(drawn.values())
        numbered = (f"{words} ({number})" for number in range(2, len(others) + 3))
        drawn[name] = words if words not in others else next(w for w in numbered if w not in others)
    if all(name == words for name, words in drawn.items()):
        return tables
    return replace(
        tables,
        **{
            key: frame.assign(**{c: frame[c].replace(drawn) for c in NAMED if c in frame.columns})
            for key, frame in frames.items()
        },
    )


def _names(frames) -> Iterator[str]:
    for frame in frames:
        for column in NAMED:
            yield from frame[column].dropna().unique() if column in frame.columns else ()


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and end around an ellipsis if it has more than `most` letters."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


@dataclass(frozen=True)
class Look:
    """Colour, marker, line style and legend text of a line."""

    colour: str
    marker: str
    stroke: str | tuple
    label: str


def looks(metrics: pd.DataFrame) -> dict[Line, Look]:
    """The look of every line of the metrics table.

    With one method, a colour per model. With several, a colour per method, and a marker and stroke
    per model. Orders share a look, since figures show them separately; the control is grey.
    """
    all_lines = lines(metrics)
    model = LINE_COLUMNS.index("model")
    models = list(dict.fromkeys(line[model] for line in all_lines))
    variants = list(dict.fromkeys(_variant(line) for line in all_lines if not is_control(line)))
    colours = _colours(variants)
    look_of = {}
    for line in all_lines:
        place = models.index(line[model])
        marker, stroke = MARKERS[place % len(MARKERS)], STROKES[place % len(STROKES)]
        label = line[model]
        if is_control(line):
            words = shortened(f"{label}, {order_of(line)}", LONGEST_LABEL)
            look_of[line] = Look(CONTROL_COLOUR, marker, stroke, words)
        elif len(variants) == 1:
            look_of[line] = Look(PALETTE[place % len(PALETTE)], marker, "-", label)
        else:
            colour = colours[_variant(line)]
            words = shortened(f"{label}, {_words(line, variants)}", LONGEST_LABEL)
            look_of[line] = Look(colour, marker, stroke, words)
    return look_of


def _variant(line: Line) -> tuple:
    """Method, its hyper-parameters and recipe."""
    return tuple(line[LINE_COLUMNS.index(c)] for c in ("method", "method_params", "recipe"))


def _colours(variants: list[tuple]) -> dict[tuple, str]:
    """A colour for every variant: that of its method for the first of it, and free ones in turn.

    Two are alike only if there are more variants than colours.
    """
    first = {variant[0]: variant for variant in reversed(variants)}
    chosen = {first[name]: colour for name, colour in METHODS.items() if name in first}
    free = [c for c in [*PALETTE, *METHODS.values()] if c not in chosen.values()]
    free = list(dict.fromkeys(free)) or PALETTE
    rest = [variant for variant in variants if variant not in chosen]
    return chosen | {variant: free[n % len(free)] for n, variant in enumerate(rest)}


def order_markers(scores: pd.DataFrame) -> dict[str, str]:
    """A marker for every order, by its place in the study's list, and others for controls.

    scores: of the study, whose rows are in the order of its lists.
    """
    names = list(scores["order"].unique())
    controls = [name for name in names if name.startswith(CONTROL)]
    orders = [name for name in names if name not in controls]
    return {
        name: markers[place % len(markers)]
        for group, markers in ((orders, MARKERS), (controls, CONTROL_MARKERS))
        for place, name in enumerate(group)
    }


def _words(line: Line, variants: list[tuple]) -> str:
    """The method, and what else is needed to distinguish it from its variants."""
    method, params, recipe = _variant(line)
    alike = [variant for variant in variants if variant[0] == method]
    words = [method]
    if len({variant[1] for variant in alike}) > 1:
        words.append(params)
    if len({variant[2] for variant in alike}) > 1:
        words.append(recipe)
    return " ".join(words)


def method_colour(method: str) -> str:
    """The colour of a method; `das-update` has that of `das`."""
    return METHODS.get(method.partition(" ")[0].partition("-")[0], OTHER_METHOD)


def set_words(probe: str) -> str:
    """An evaluation set's name, for readers."""
    return probe.replace("_", " ")


def stage_words(stage_task: str) -> str:
    """What a stage adds to the history, as `+task`; "base" for stage 0."""
    return f"+{stage_task}" if stage_task else "base"


def tick_words(word: str) -> str:
    """A stage's words as a tick label; a long mixture loses its counts and gets shortened names."""
    if len(word) <= LONGEST_TICK:
        return word
    tasks = [part.partition(":")[0] for part in word.removeprefix("+").split("&")]
    return "+" + "&".join(task if len(task) <= 5 else f"{task[:4]}." for task in tasks)
