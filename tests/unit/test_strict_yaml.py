"""Whatever is in a user's YAML file, it is read, or refused with one sentence and the line."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lethe.artefacts.strict_yaml import (
    MOST_VALUES,
    parse_yaml,
    read_yaml,
    require_plain,
    require_yaml,
)
from lethe.errors import UserError

BOMB = "a0: &a0 [1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join(f'*a{n - 1}' for _ in range(9))}]\n" for n in range(1, 30)
)

HOSTILE = {
    "a billion laughs": (BOMB, "line 6: more than 100,000 values"),
    "deep lists": ("a: " + "[" * 100_000, "line 1: more than 32 nested lists or mappings"),
    "deep mappings": ("".join(" " * n + "a:\n" for n in range(500)), "line 32: more than 32"),
    "a value that holds itself": ("a: &a [*a]", r"line 1: \*a contains itself"),
    "an alias of nothing": ("a: *b", "line 1: not valid YAML .*undefined alias"),
    "no such day": (
        "a: 1\nb: 2024-13-45",
        "line 2: expected a date or number that exists, found '2024-13-45'",
    ),
    "a date": ("a: 1\nb: 2024-01-02", "line 2: 2024-01-02 is read as a date; put it in quotes"),
    "a date as key": ("2024-01-02: 1", "line 1: .*2024-01-02"),
    "5,000 digits": (
        "a: " + "9" * 5000,
        "line 1: .* that exists, found '9+…",
    ),
    "20 digits": ("a: 10000000000000000000", "line 1: expected a number of at most 18 digits"),
    "not a number": ("a: .nan", "line 1: expected a finite number, found nan"),
    "infinity": ("a: [1, -.inf]", "line 1: expected a finite number, found -inf"),
    "a tab": ("a:\n\tb: 1", "line 2: not valid YAML .*tab"),
    "a key twice": ("study: a\nmodels: [xs]\nstudy: b", "line 3: the key 'study' is given twice"),
    "a nested key twice": ("a:\n  b: 1\n  'b': 2", "line 3: the key 'b' is given twice"),
    "two merges": ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x", "line 4: the key '<<' is given twice"),
    "a merge of nothing": ("x: {<<: 5}", "line 1: not valid YAML .*merging"),
    "a list as key": ("? [a]\n: b", "line 1: expected a name as key, found a list"),
    "a number as key": ("a: 1\n1: 2", "line 2: the key '1' is read as a number; put it in quotes"),
    "null as key": ("null: 2", "line 1: the key 'null' is read as null"),
    "yes as key": ("yes: 2", "line 1: the key 'yes' is read as true or false"),
    "two documents": ("a: 1\n---\na: 2", "line 2: a second document begins"),
    "Python's tags": (
        "a: !!python/object/apply:os.getcwd []",
        "line 1: .* found the tag '!!py",
    ),
    "a tag of one's own": ("a: !mine 5", "line 1: .* found the tag '!mine'"),
    "an escaped NUL": (r'a: "x\0"', "line 1: expected text, found the character"),
    "half a character": (r'a: "\ud800"', "line 1: "),
    "an empty file": ("", "expected keys with values, found nothing"),
    "comments alone": ("# nothing", "expected keys with values, found nothing"),
    "a list": ("- a\n- b", r"expected keys with values, found \['a', 'b'\]"),
    "one text": ("a", "expected keys with values, found 'a'"),
    "an open bracket": ("a: [1,\nb: 2", "line 2: not valid YAML .*starts in line 1"),
    "an open quote": ("a: 'b", "line 1: not valid YAML .a quote is not closed"),
    "a second colon": ("a: b: c", "line 1: not valid YAML .a second ': '; put the value in quotes"),
    "another indentation": ("a:\n  b: 1\n c: 2", "line 3: .*expected a key here; compare the inde"),
    "a number in base 8": ("a: 017", "line 1: 017 is read as 15; write that, or put it in quotes"),
    "a negative one": ("a: -0_10", "line 1: -0_10 is read as -8"),
    "a number in base 60": ("a: 1:30", "line 1: 1:30 is read as 90; write that"),
    "a fraction in base 60": ("a: 1:30.5", "line 1: 1:30.5 is read as 90.5; write that"),
    "an equals sign": ("a: =", "line 1: not valid YAML .'=' alone needs quotes"),
    "a percent sign": ("a: %b", "line 1: not valid YAML .this value needs quotes"),
}


@pytest.mark.parametrize(("text", "sentence"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_wrong_is_one_sentence_with_the_file_and_the_line(tmp_path, text, sentence):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))


BYTES = {
    "UTF-16": ("a: 1".encode("utf-16"), "expected UTF-8 text, found UTF-16; save it as UTF-8"),
    "Latin-1": ("a: 1\nb: ä".encode("latin-1"), "line 2: expected UTF-8 text, found the byte 0xe4"),
    "a NUL": (b"a: 1\nb: \0", "not valid YAML .*control characters"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0", "expected UTF-8 text"),
    "two megabytes": (b"a: 1\n" * 400_000, "found more than 1,048,576 bytes"),
}


@pytest.mark.parametrize(("content", "sentence"), BYTES.values(), ids=BYTES.keys())
def test_a_file_that_is_no_text_is_named(tmp_path, content, sentence):
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=sentence) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path}: cannot be read .*folder of that name"):
        read_yaml(tmp_path)
    with pytest.raises(UserError, match="none.yaml: cannot be read .*No such file"):
        read_yaml(tmp_path / "none.yaml")


def test_a_path_that_no_file_has_and_a_byte_that_is_no_text_are_refused():
    with pytest.raises(UserError, match="cannot be read .embedded null byte"):
        read_yaml("a\0b")
    with pytest.raises(UserError, match=r"--config x: expected text, found the character '.udcff'"):
        parse_yaml("\udcff", "--config x")


def test_a_merge_may_be_merged_again_and_its_keys_replaced():
    text = "a: &a {x: 0}\np: {q: &b {<<: *a, x: 1}}\nc: {<<: *b, x: 2}"
    assert parse_yaml(text, "here") == {"a": {"x": 0}, "p": {"q": {"x": 1}}, "c": {"x": 2}}


def test_what_editors_write_is_read(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes("\ufeffa: ä\r\nb: &b {c: 1}\r\nd: {<<: *b, c: 2}\r\n".encode())
    assert read_yaml(path) == {"a": "ä", "b": {"c": 1}, "d": {"c": 2}}


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab-1:", max_size=4), inner)
    ),
    max_leaves=8,
)


@given(plain)
def test_plain_values_are_read_as_they_were_written(value):
    assert parse_yaml(yaml.safe_dump({"a": value}), "here") == {"a": value}
    require_plain({"a": value}, "here")


def test_a_file_of_anothers_format_needs_to_be_yaml_and_no_more(tmp_path):
    path = tmp_path / "task.yaml"
    path.write_text("task: a\nprocess_docs: !function utils.process\n1: 2024-01-01\n")
    require_yaml(path)
    path.write_text("task: a\ndoc_to_text: {{question}\n")
    with pytest.raises(UserError, match="task.yaml, line 2: not valid YAML"):
        require_yaml(path)


@given(st.text(st.sampled_from("a1&*:[]{}\"'!-?|>%@ \n\t<,.#\0\x07é"), max_size=30))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    try:
        parse_yaml(text, "here")
    except UserError as error:
        assert str(error).startswith("here")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": {"b": [1, float("nan")]}}, "a.b, entry 2 in here: expected a finite number"),
        ({"a": {1: 2}}, "a.1 in here: the key 1 is not text"),
        ({"a": 10**400}, "a in here: expected a number of at most 18 digits"),
        ({"a": "\0"}, "a in here: expected text"),
        ({"a": [[0] * 1000] * 1000}, "more than 100,000 values"),
    ],
)
def test_values_that_something_else_has_read_are_refused_with_their_key(value, sentence):
    with pytest.raises(UserError, match=sentence):
        require_plain(value, "here")


def test_a_value_that_holds_itself_is_refused_wherever_it_was_read():
    value = {}
    value["a"] = value
    with pytest.raises(UserError, match="more than 32 nested lists or mappings"):
        require_plain(value, "here")


def test_a_large_but_honest_file_is_read():
    names = [f"name-{number}" for number in range(MOST_VALUES // 3)]
    assert parse_yaml("".join(f"{name}: 1\n" for name in names), "here").keys() == set(names)
