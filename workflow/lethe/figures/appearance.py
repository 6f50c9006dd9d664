"""How a line looks: a colour for each model or method, the same in every figure of a study."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import pandas as pd

from lethe.errors import one_line
from lethe.longtables.run import method_words
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import (
    CONTROL,
    LINE_COLUMNS,
    Line,
    is_control,
    lines,
    order_of,
)

# Okabe and Ito's colours, then others. To every common eye any two, and any and the grey, differ by
# a Delta-E of 10 (CIEDE2000) or more; tests/unit/test_appearance.py measures it.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#772200", "#8877FF"]
PALETTE += ["#004433", "#BBBB88", "#995544", "#000099", "#664466", "#3300EE", "#BB3300", "#440044"]
PALETTE += ["#224499", "#000000"]
METHODS = {
    "sequential": "#0072B2",
    "sequential-das-rate": "#56B4E9",
    "ewc": "#009E73",
    "das": "#CC79A7",
    "kd": "#E69F00",
    "derpp": "#772200",
    "hat": "#8877FF",
    "demix": "#004433",
    "adapter": "#BBBB88",
    "bcl": "#D55E00",
    "prompt": "#000000",
}
CONTROL_COLOUR = "#6E6E6E"
NO_METHOD = "#6E6E6E"
"""Of what no method made, such as a base before any training."""
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "p", "*", "<", ">", "h", "d", "8"]
"""A marker means a model, in every figure."""
STROKES = [
    "-",
    (0, (4, 1.5)),
    (0, (1.5, 1.2)),
    (0, (5, 1.2, 1.2, 1.2)),
    (0, (8, 2)),
    (0, (5, 1.2, 1.2, 1.2, 1.2, 1.2)),
    (0, (1, 2.5)),
    (0, (8, 1.5, 3, 1.5)),
]
"""A stroke means a model where lines have no markers; markers tell those of more models apart."""
FILLS = ["full", "none", "left", "bottom", "right", "top"]
"""How much of a marker is filled: in figures without a panel for each order, its order."""

LONGEST_TICK = 12
LONGEST_NAME = 48
"""Characters of a name. Those of a study are shorter; of scores made elsewhere they need not be."""
LONGEST_LABEL = 80
"""Characters of a legend's entry, which fill a line of the narrowest page."""
NAMED = ["model", "series", "untuned", "method", "recipe", "order", "axis", "probe", "subset"]
"""Columns whose values are drawn as names."""
DRAWN = ("scores", "metrics", "stages", "changes", "calibration")
"""Tables that figures read."""
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
    frames = {name: getattr(tables, name) for name in DRAWN}
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


def looks(frame: pd.DataFrame, methods: Iterable[str] = ()) -> dict[Line, Look]:
    """The look of every line of a long table; no two have both the same colour and marker.

    With one method, a colour per model. With several, a colour per method, and a marker and stroke
    per model; further colours where a model has several variants of a method. Orders share a look,
    since figures show them separately; the control is grey.

    methods: of the whole study, as `method_names` gives them, where the table has only some.
    """
    all_lines = lines(frame)
    models = list(dict.fromkeys(line[0] for line in all_lines))
    taught = [line for line in all_lines if not is_control(line)]
    variants = list(dict.fromkeys(_variant(line) for line in taught))
    controls = list(dict.fromkeys(order_of(line) for line in all_lines if is_control(line)))
    keys = _keys(taught)
    names = list(dict.fromkeys([*methods, *map(_name, taught)]))
    further = [key for key in dict.fromkeys(keys.values()) if key not in names]
    colours = _colours([*names, *further])
    look_of = {}
    for line in all_lines:
        place, label = models.index(line[0]), line[0]
        colour, stroke, again = PALETTE[place % len(PALETTE)], "-", 0
        if is_control(line):
            colour, again = CONTROL_COLOUR, controls.index(order_of(line))
            label = f"{label}, {order_of(line)}"
        elif len(names) + len(further) > 1:
            colour, again = colours[keys[line]]
            stroke = STROKES[place % len(STROKES)]
            words = _words(line, variants)
            label = f"{label}, {words}" if len(models) > 1 else words
        marker = MARKERS[(place + again * len(models)) % len(MARKERS)]
        look_of[line] = Look(colour, marker, stroke, shortened(label, LONGEST_LABEL))
    return look_of


def method_names(*frames: pd.DataFrame) -> list[str]:
    """Every method of some long tables, as `method_words` names it, each once; no controls."""
    every = (line for frame in frames if len(frame) for line in lines(frame))
    return list(dict.fromkeys(_name(line) for line in every if not is_control(line)))


def _name(line: Line) -> str:
    return method_words(*(line[LINE_COLUMNS.index(w)] for w in ("method", "parametrisation")))


def _variant(line: Line) -> tuple:
    """Method, its hyper-parameters and recipe, and the parametrisation."""
    words = ("method", "method_params", "recipe", "parametrisation")
    return tuple(line[LINE_COLUMNS.index(word)] for word in words)


def _keys(taught: list[Line]) -> dict[Line, str]:
    """What has a colour: a line's method, with a number if its model has it in variants.

    Variants of different models, as where each model has a recipe of its own, share a key.
    """
    models: dict[tuple, set[str]] = {}
    for line in taught:
        models.setdefault(_variant(line), set()).add(line[0])
    keys: dict[tuple, str] = {}
    for line in taught:
        variant, name = _variant(line), _name(line)
        if variant in keys:
            continue
        met = {key for other, key in keys.items() if models[other] & models[variant]}
        numbered = (f"{name} #{number}" for number in range(2, len(met) + 3))
        keys[variant] = next(key for key in (name, *numbered) if key not in met)
    return {line: keys[_variant(line)] for line in taught}


def _colours(names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """(Colour, how often it was given before) of every method or variant of one.

    That of METHODS for a method that has one or else for its first variant, and free ones in turn
    for the others.
    """
    names = list(dict.fromkeys(names))
    first = {name.partition(" ")[0]: name for name in reversed(names)}
    first |= {name: name for name in names if name in METHODS}
    chosen = {first[name]: (colour, 0) for name, colour in METHODS.items() if name in first}
    taken = {colour for colour, _ in chosen.values()}
    free = [colour for colour in PALETTE if colour not in taken] or PALETTE
    rest = [name for name in names if name not in chosen]
    turns = {name: divmod(place, len(free)) for place, name in enumerate(rest)}
    return chosen | {name: (free[place], turn) for name, (turn, place) in turns.items()}


def point_looks(
    pairs: Iterable[tuple[str, str]], methods: Iterable[str] = ()
) -> dict[tuple[str, str], Look]:
    """The look of every (model, method) of a figure that names these and has no lines.

    A method may be named with what tells it from its variants, as in "ewc (strength 2)". methods:
    of the whole study, as in `looks`.
    """
    pairs = list(dict.fromkeys(pairs))
    models = list(dict.fromkeys(model for model, _ in pairs))
    colours = _colours([*methods, *(method for _, method in pairs)])
    look_of = {}
    for model, method in pairs:
        colour, again = colours[method]
        marker = MARKERS[(models.index(model) + again * len(models)) % len(MARKERS)]
        label = f"{model}, {method}" if len(models) > 1 else method
        look_of[model, method] = Look(colour, marker, "-", shortened(label, LONGEST_LABEL))
    return look_of


def order_fills(scores: pd.DataFrame) -> dict[str, str]:
    """How the markers of each order are filled, by its place in the study's list.

    Those of controls are full: they are told by their grey. scores: of the study, whose rows are in
    the order of its lists.
    """
    names = list(scores["order"].unique())
    orders = [name for name in names if not name.startswith(CONTROL)]
    fills = {name: FILLS[place % len(FILLS)] for place, name in enumerate(orders)}
    return dict.fromkeys(names, FILLS[0]) | fills


def _words(line: Line, variants: list[tuple]) -> str:
    """The method, and what else is needed to distinguish it from its variants."""
    method, params, recipe, parametrisation = _variant(line)
    alike = [variant for variant in variants if variant[0] == method]
    more = [params] if len({variant[1] for variant in alike}) > 1 else []
    more += [recipe] if len({variant[2] for variant in alike}) > 1 else []
    return method_words(method, parametrisation, *more)


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
