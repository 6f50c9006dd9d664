"""Every mistake that the typed configuration can refuse is one sentence in our own words."""

import datetime
import re
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lethe.commands.schema import known_parameters
from lethe.config.claims import Claim
from lethe.config.recipes import Recipe
from lethe.errors import LONGEST, UserError, shown
from lethe.parameters.entries import Count, Entry, Mixture, Name, Parameters, Share, parameter
from lethe.parameters.sentences import EXPECTED, require, validated


def kinds_below(kind: type[Entry]) -> list[type[Entry]]:
    return [kind, *(below for sub in kind.__subclasses__() for below in kinds_below(sub))]


class Inner(Parameters):
    """A part of the parameters of the tests."""

    rate: float = parameter(0.5, "a rate", gt=0, lt=1)


class Wide(Parameters):
    """One field of every form that parameters may have."""

    often: Count | Literal["all"] = parameter("all", "a union of a number and a word")
    sizes: Count | list[Count] = parameter(1, "a union of a number and a list")
    side: Literal["left", "right"] | None = parameter(None, "a word or null")
    level: Literal[1, 2] = parameter(1, "one of two numbers")
    pair: tuple[Share, Share] = parameter((0.0, 1.0), "two shares", strict=False)
    by_name: dict[Name, Inner] = parameter({}, "parts by name")
    choice: Inner | Literal["none"] = parameter("none", "a part or a word")
    text: str = parameter("a", "a text", min_length=1, max_length=5)
    many: list[Mixture] = parameter(["a"], "mixtures", min_length=1, max_length=2)


known_parameters()  # imports every kind of entry
ENTRIES = [kind for kind in kinds_below(Entry) if kind.model_fields]
FIELDS = [(kind, name) for kind in ENTRIES for name in kind.model_fields]

WRONG = [
    None, True, -1, 0, 1.5, 2.5e9, 10**30, 10**400, float("inf"), float("nan"),
    "", "x", "a b", "é" * 500, "\ud800", [], [None], [1] * 9, ["x y"] * 9, {}, {"a b": 1},
    {1: 2}, {"a": {}}, {"a": {"b": 1}}, datetime.date(2024, 1, 1), b"x", object(),
]  # fmt: skip

# Words of pydantic, and of Python, that say nothing to a reader of YAML.
FOREIGN = re.compile(
    r"Input|Field required|Extra inputs|String should|should (be|have|match)|valid "
    r"|validation error|after validation|integer|dictionary|None|True|False|instance|pydantic"
    r"|Error|\n|\[key\]|<|list\["
)


def sentence_for(kind: type[Entry], raw: dict[str, Any]) -> str | None:
    try:
        validated(kind, raw, "here")
    except UserError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda x: getattr(x, "__name__", x))
def test_a_wrong_value_of_any_field_is_one_sentence_of_our_own(kind, name):
    key = kind.model_fields[name].alias or name
    for value in WRONG:
        sentence = sentence_for(kind, {key: value})
        if sentence is None or "this key is missing" in sentence:
            continue  # the value is right
        assert not FOREIGN.search(sentence), sentence
        assert len(sentence) <= LONGEST
        assert sentence.endswith((".", "?", ")")), sentence
        assert re.match(rf"{key}[ .,]|here: expected ", sentence), sentence
        if sentence.startswith(key) and not isinstance(value, dict | list):
            assert f", found {shown(value)}" in sentence


# What each form of value can be refused for, besides what pydantic never does in strict mode.
REFUSED_FOR = {
    "any": [],
    "bool": ["bool_type"],
    "chain": [],
    "default": [],
    "dict": ["dict_type", "too_short", "too_long"],
    "float": "float_type finite_number greater_than greater_than_equal less_than less_than_equal"
    " multiple_of".split(),
    "function-after": ["value_error", "assertion_error"],
    "function-before": ["value_error", "assertion_error"],
    "function-wrap": ["value_error", "assertion_error"],
    "int": "int_type int_from_float int_parsing int_parsing_size greater_than less_than".split(),
    "list": ["list_type", "too_short", "too_long"],
    "literal": ["literal_error"],
    "model": ["model_type", "model_attributes_type"],
    "model-field": ["missing"],
    "model-fields": ["model_type", "missing", "extra_forbidden", "invalid_key"],
    "none": ["none_required"],
    "nullable": [],
    "str": "string_type string_unicode string_too_short string_too_long".split()
    + ["string_pattern_mismatch"],
    "tagged-union": ["union_tag_invalid", "union_tag_not_found"],
    "tuple": ["tuple_type", "missing", "too_short", "too_long"],
    "union": [],
}
OWN_SENTENCES = {"extra_forbidden", "missing", "string_pattern_mismatch", "value_error"}


def forms(core: Any) -> set[str]:
    """Names of all forms of value within a schema of pydantic."""
    if isinstance(core, list | tuple):
        return {form for part in core for form in forms(part)}
    if not isinstance(core, dict):
        return set()
    own = {core["type"]} if isinstance(core.get("type"), str) else set()
    inner = [value for key, value in core.items() if key not in ("metadata", "serialization")]
    return own | forms(inner)


def test_every_reason_to_refuse_a_form_of_value_has_its_words():
    used = {form for kind in ENTRIES for form in forms(kind.__pydantic_core_schema__)}
    used -= {"definitions", "definition-ref", "no-info"}
    assert used <= REFUSED_FOR.keys()
    for form in used:
        assert set(REFUSED_FOR[form]) <= EXPECTED.keys() | OWN_SENTENCES, form


def test_the_words_stand_for_types_of_error_that_exist():
    from typing import get_args

    from pydantic_core.core_schema import ErrorType

    assert EXPECTED.keys() | OWN_SENTENCES <= set(get_args(ErrorType))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"often": -1}, "often in here: expected a number above 0 or 'all', found -1."),
        ({"often": "al"}, "expected a whole number or 'all', found 'al'; did you mean 'all'?"),
        ({"sizes": "x"}, "sizes in here: expected a whole number or a list, found 'x'."),
        ({"sizes": [4, 0]}, "sizes, entry 2 in here: expected a number above 0, found 0."),
        ({"side": "lft"}, "side in here: expected 'left' or 'right', found 'lft'; did you mean"),
        ({"level": 3}, "level in here: expected 1 or 2, found 3."),
        ({"pair": [0.5]}, "pair, entry 2 in here: this entry is missing."),
        ({"pair": [0, 0, 0]}, "pair in here: expected at most 2 entries, found 3."),
        ({"pair": [0.5, 2]}, "pair, entry 2 in here: expected a number of at most 1, found 2."),
        ({"by_name": {"a b": {}}}, "by_name.a b in here: expected a name of letters"),
        ({"by_name": {"a": {"rat": 1}}}, "by_name.a.rat in here: there is no such key; did you"),
        ({"choice": {"rate": 2}}, "choice.rate in here: expected a number below 1, found 2."),
        ({"choice": {"rat": 2}}, "choice.rat in here: there is no such key; did you mean 'rate'"),
        ({"choice": 5}, "choice in here: expected keys with values or 'none', found 5."),
        ({"text": ""}, "text in here: expected text that is not empty, found ''."),
        ({"text": "abcdef"}, "text in here: expected text of at most 5 characters"),
        ({"text": 5}, "expected text, found 5; put it in quotes if it is meant as text."),
        ({"many": []}, "many in here: expected at least one entry, found none."),
        ({"many": ["a", "a&"]}, "many, entry 2 in here: expected task names joined by '&'"),
        (
            {"many": "a"},
            "expected a list, found 'a'; for a list of one entry, write ['a'].",
        ),
        ({"often": "3"}, "expected a whole number or 'all', found '3'; write it without quotes."),
        ({"many": None}, "many in here: expected a list, found null."),
        ({"txt": "a"}, "txt in here: there is no such key; did you mean 'text'? (known: by_name,"),
    ],
)
def test_the_most_helpful_mistake_is_the_one_that_is_said(raw, sentence):
    assert sentence in sentence_for(Wide, raw)


def test_a_misspelled_key_is_said_before_the_key_that_it_leaves_missing():
    raw = {"statment": "x", "family": "f", "parts": {}}
    assert "did you mean 'statement'" in sentence_for(Claim, raw)


def test_of_many_choices_the_nearest_are_listed():
    part = {"contrast": "mixing_raises", "metric": "fg", "axes": ["a"], "unit": "bases"}
    raw = {"statement": "x", "family": "f", "parts": {"p": {**part, "smallest_effect": 1}}}
    sentence = sentence_for(Claim, raw)
    assert "parts.p.contrast in here: expected one of mixing_raises_final, " in sentence
    assert sentence.endswith("found 'mixing_raises'; did you mean 'mixing_raises_final'?")


def test_a_number_with_an_exponent_is_shown_without_quotes():
    raw = {"batch_size": 1, "max_length": 1, "learning_rate": "-1e-4"}
    assert sentence_for(Recipe, raw) == (
        "learning_rate in here: expected a number above 0, found -1e-4."
    )


def test_a_key_below_an_entry_of_a_list_reads_as_words():
    part = {"contrast": "above_zero", "metric": "fg", "axes": ["a", "b b"], "unit": "bases"}
    raw = {"statement": "x", "family": "f", "parts": {"p": {**part, "smallest_effect": 1}}}
    assert sentence_for(Claim, raw).startswith("parts.p.axes, entry 2 in here: expected a name")


def test_of_many_known_names_the_nearest_are_listed():
    names = [f"task_{number}" for number in range(500)]
    with pytest.raises(UserError) as caught:
        require("probes", "tsk_404", names)
    message = str(caught.value)
    assert "did you mean 'task_404'? (known: task_404, " in message
    assert message.endswith(" more).")
    assert len(message) < LONGEST


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=100),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


@given(st.sampled_from(sorted(Wide.model_fields)), anything)
def test_pydantic_never_speaks_for_itself(name, value):
    try:
        Wide.model_validate({name: value})
    except ValidationError:
        assert sentence_for(Wide, {name: value}).startswith(name)


@given(anything)
def test_what_is_shown_of_a_value_is_short(value):
    assert len(shown(value)) <= 60


@given(st.text())
def test_a_message_is_one_short_line_that_can_be_printed(text):
    message = str(UserError(f"models.yaml: {text * 20} choose another"))
    assert message.startswith("models.yaml: ")
    assert message.endswith(" choose another")
    assert len(message) <= LONGEST
    assert message.isprintable()


def test_long_paths_in_a_long_message_keep_their_ends_so_that_the_rest_is_not_cut():
    first, second = (f"/{'/'.join(['folder'] * 30)}/stages/{name}/stage.json" for name in "ab")
    message = str(
        UserError(f"{first}: expected the weights of {second}, found others; train again")
    )
    assert message == (
        "…/stages/a/stage.json: expected the weights of …/stages/b/stage.json, found others; "
        "train again"
    )
