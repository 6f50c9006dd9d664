"""Which family, method and parametrisation go together: as methods and parametrisations state it.

Planning refuses the rest, stage by stage; here it is said for all of them at once.
"""

from dataclasses import dataclass, field
from typing import get_args

from lethe.config.by_file import names_in
from lethe.methods.parameters.base import MethodParameters, parameters_of
from lethe.parameters.families import IN_WORDS, Family
from lethe.parametrisations.parameters import KINDS, ParametrisationParameters

FAMILIES: tuple[str, ...] = get_args(Family)
HEADS = {family: words.split(" (")[0].split(" ", 1)[1] for family, words in IN_WORDS.items()}
NO_FAMILY = "it is not defined there"
USUAL_CHAIN = "lora:same"


@dataclass(frozen=True)
class Row:
    """What goes with one method, or with one value of a hyper-parameter of it.

    Attributes:
        method: the name of its file.
        when: the value, as `key: value`; empty: any but those that have a row of their own.
        families: families of models that it trains.
        not_families: why it does not train the others.
        refused: reason by parametrisation, a key of `parametrisations`.
        but: reason by kind, where only some settings or models are refused.
    """

    method: str
    when: str
    families: frozenset[str]
    not_families: str
    refused: dict[str, str]
    but: dict[str, str] = field(default_factory=dict)


def parametrisations() -> dict[str, list[str]]:
    """Every way to train parameters, and the words by which a method may refuse it.

    Ways are kinds; of LoRA they are the ways in which a chain goes on with it.
    """
    ways: dict[str, list[str]] = {}
    for name, kind in KINDS.items():
        for settings in _variants(kind):
            words = settings.words()
            ways[name if words[-1] in (name, USUAL_CHAIN) else words[-1]] = words
    return ways


def _variants(kind: type[ParametrisationParameters]) -> list[ParametrisationParameters]:
    chain = kind.model_fields.get("chain")
    ways = [{"chain": way} for way in get_args(chain.annotation)] if chain else [{}]
    return [kind(**settings) for settings in ways]


def composition() -> list[Row]:
    """A row for each method, in the order of their names."""
    return [row for name in names_in("methods") for row in rows_of(name, parameters_of(name))]


def rows_of(name: str, hyper: type[MethodParameters]) -> list[Row]:
    """The row of a method, and one for each value with which it goes with less."""
    refused = refusals(hyper)
    why = hyper.families_why or NO_FAMILY
    but = partly_refused(hyper)
    rows = [Row(name, "", hyper.families, why, refused, but)]
    for (key, value), families in hyper.families_with.items():
        rows.append(Row(name, f"{key}: {value}", families & hyper.families, why, refused, but))
    for key, value in hyper.not_with_values:
        values = hyper(**{key: value})
        more, partly = refusals(values), partly_refused(values)
        rows.append(Row(name, f"{key}: {value}", hyper.families, why, more, partly))
    return rows


def families_of(hyper: MethodParameters) -> frozenset[str]:
    """Families that a method trains with these values."""
    trained = hyper.families
    for (key, value), families in hyper.families_with.items():
        if getattr(hyper, key) == value:
            trained &= families
    return trained


def refusals(hyper: type[MethodParameters] | MethodParameters) -> dict[str, str]:
    """Why a method does not go with a parametrisation, by name, for those that it refuses."""
    found = {name: reason_against(hyper, words) for name, words in parametrisations().items()}
    return {name: reason for name, reason in found.items() if reason}


def partly_refused(hyper: type[MethodParameters] | MethodParameters) -> dict[str, str]:
    """Why a method does not go with a kind for some settings or models, by kind."""
    refused = hyper.not_with if isinstance(hyper, type) else hyper.refused()
    told = {word for words in parametrisations().values() for word in words}
    found = {word.partition(":")[0]: why for word, why in refused.items() if word not in told}
    return {kind: why for kind, why in found.items() if kind not in refused}


def reason_against(hyper: type[MethodParameters] | MethodParameters, words: list[str]) -> str:
    """Why a method does not go with a parametrisation of these words; empty if it does."""
    refused = hyper.not_with if isinstance(hyper, type) else hyper.refused()
    for word in words:
        if word in refused:
            return refused[word]
    if hyper.only_with and not set(words) & set(hyper.only_with):
        return f"it is made for {' or '.join(map(_in_words, hyper.only_with))}"
    return ""


def _in_words(word: str) -> str:
    """A kind as it is, a way to go on with LoRA by its setting."""
    kind, _, chain = word.partition(":")
    return f"LoRA with `chain: {chain}`" if chain else kind


def needs(hyper: type[MethodParameters] | MethodParameters) -> list[str]:
    """What a stage must have at hand beside its own data and its parent."""
    needed = ["data of earlier stages"] if hyper.reads_earlier else []
    for key, value in hyper.general_with:
        if isinstance(hyper, type):
            needed.append(f"general texts (`{key}: {value}`)")
        elif getattr(hyper, key) == value:
            needed.append("general texts")
    if isinstance(hyper, type):
        when = [f"`{key}: {value}`" for key, value in hyper.base_with]
        reads, words = hyper.needs_base or bool(when), f" ({' or '.join(when)})" if when else ""
    else:
        reads, words = hyper.reads_base(), ""
    return needed + ([f"the chain's base{words}"] if reads else [])


def markdown() -> str:
    """The table of the manual, and below it why a method and a parametrisation do not go."""
    ways, reasons = parametrisations(), dict[str, int]()
    heads = ["method", *(HEADS[family] for family in FAMILIES), *(f"`{way}`" for way in ways)]
    lines = ["| " + " | ".join([*heads, "needs"]) + " |", "|" + "---|" * (len(heads) + 1)]
    for row in composition():
        cells = [f"`{row.method}`" + (f", `{row.when}`" if row.when else "")]
        cells += [_cell("" if f in row.families else row.not_families, reasons) for f in FAMILIES]
        cells += [_way_cell(row, way, reasons) for way in ways]
        needed = ", ".join(needs(parameters_of(row.method)))
        lines.append(f"| {' | '.join([*cells, needed])} |")
    notes = [f"- [{number}] {reason}" for reason, number in reasons.items()]
    return "\n".join([*lines, "", *notes]) + "\n"


def _way_cell(row: Row, way: str, numbers: dict[str, int]) -> str:
    cell = _cell(row.refused.get(way, ""), numbers)
    but = row.but.get(way.partition(":")[0])
    return f"yes, but {_cell(but, numbers)}" if but and cell == "yes" else cell


def _cell(reason: str, numbers: dict[str, int]) -> str:
    return f"[{numbers.setdefault(reason, len(numbers) + 1)}]" if reason else "yes"
