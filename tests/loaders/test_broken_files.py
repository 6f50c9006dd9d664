"""Users' data files: whatever is in one is prepared as it stands, or refused with one sentence."""

import csv
import datetime
import gzip
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from raw_files_written import Roads
from test_loaders import rows, spec_of

from lethe.errors import LONGEST, UserError
from lethe.planning.data import _local_file
from lethe.sources.prepare import prepare

GOOD = {"prompt": "two and two", "response": "four"}


def lines(*values):
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def prepared(tmp_path, name, content, **parameters):
    path = tmp_path / name
    path.write_bytes(content)
    spec = spec_of("generic", Roads(tmp_path, {"train": path}), False, **parameters)
    prepare(spec, tmp_path / "out", None)
    return rows(tmp_path / "out" / "train.jsonl")


# What is wrong with the form of a file: seen when a study is checked, and when data are prepared.
BROKEN_FORM = {
    "empty.jsonl": (b"", "expected rows, found an empty file"),
    "empty.csv": (b"", "expected rows, found an empty file"),
    "empty.parquet": (b"", "expected rows, found an empty file"),
    "nan.jsonl": (lines(GOOD) + b'{"prompt": NaN, "response": "a"}\n', "line 2: .*NaN"),
    "infinite.jsonl": (b'{"prompt": -Infinity, "response": "a"}\n', "line 1: .*Infinity"),
    "deep.jsonl": (lines(GOOD) + b'{"prompt": ' + b"[" * 100_000, "line 2: .*nested too deeply"),
    "nul.jsonl": (lines(GOOD) + b"\0\0\0\n", "line 2: not JSON"),
    "latin.jsonl": (b'{"prompt": "\xe4", "response": "a"}', "line 1: not UTF-8 text"),
    "half.jsonl": (rb'{"prompt": "\ud800", "response": "a"}', "line 1: .*half a character"),
    "twice.jsonl": (b'{"prompt": "a", "prompt": "b"}', "line 1: .*'prompt' occurs twice"),
    "list.jsonl": (lines(GOOD, ["a", "b"]), r"line 2: expected a JSON object, found \['a', 'b'\]"),
    "number.jsonl": (lines(GOOD, 5), "line 2: expected a JSON object, found 5"),
    "cut.jsonl": (lines(GOOD)[:-5], "line 1: not JSON"),
    "zipped.jsonl": (gzip.compress(lines(GOOD)), "found compressed with gzip; unpack it"),
    "zipped.json": (gzip.compress(lines(GOOD)), "found compressed with gzip; unpack it"),
    "zipped.csv": (
        gzip.compress(b"prompt,response\na,b\n", mtime=0),
        "compressed with gzip; unpack it",
    ),
    "utf16.csv": ("prompt,response\na,b\n".encode("utf-16"), "UTF-16 text; save it as UTF-8"),
    "table.jsonl": (parquet(prompt=["a"]), "a parquet file; give it the ending .parquet"),
    "text.parquet": (b"prompt,response\na,b\n", "expected a parquet file"),
    "cut.parquet": (parquet(prompt=["a"], response=["b"])[:-9], "expected a parquet file"),
    "open.csv": (b'prompt,response\na,b\n"a,b\nc,d\n', "row from line 3: a quote is not closed"),
    "inner.tsv": (b'prompt\tresponse\n"He" said\tb\n', "row from line 2: a quote is not closed"),
    "short.csv": (b"prompt,response\na,b\nc\n", "line 3: expected 2 fields .*found 1"),
    "long.csv": (b"prompt,response\na,b,c\n", "line 2: expected 2 fields .*found 3"),
    "all long.csv": (b"prompt,response\na,b,c\nd,e,f\n", "line 2: expected 2 fields"),
    "lines.csv": (b'prompt,response\n"a\n\nb",c\nd\n', "line 5: expected 2 fields"),
    "nul.csv": (b"prompt,response\na,b\0\n", "line 2: found a NUL"),
    "latin.csv": (b"prompt,response\na,\xe4\n", "not UTF-8 text"),
    "twice.csv": (b"prompt,prompt,response\na,b,c\n", "the column 'prompt' occurs twice"),
}


def refusal(call):
    with pytest.raises(UserError) as caught:
        call()
    assert len(str(caught.value)) <= LONGEST
    return str(caught.value)


@pytest.mark.parametrize("name", BROKEN_FORM)
def test_a_file_that_is_broken_is_refused_in_planning_and_in_preparing(tmp_path, name):
    content, sentence = BROKEN_FORM[name]
    message = refusal(lambda: prepared(tmp_path, name, content))
    assert re.search(sentence, message) and f"/{name}" in message
    assert message.startswith("sources.generic: ")
    assert not list((tmp_path / "out").glob("*"))
    where = "sources.mine.files.train"
    message = refusal(lambda: _local_file(str(tmp_path / name), where, "generic"))
    assert re.search(sentence, message) and message.startswith(f"{where}: ")


# What is wrong with a value: seen when the data are prepared, in any format.
BROKEN_VALUES = {
    "true": (True, "column 'prompt': expected text, found true"),
    "list": (["a"], r"column 'prompt': expected text, found \['a'\]"),
    "object": ({"a": 1}, "column 'prompt': expected text, found {'a': 1}"),
}


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet"])
@pytest.mark.parametrize("value", BROKEN_VALUES)
def test_a_value_that_is_no_text_is_named_by_row_and_column(tmp_path, ending, value):
    wrong, sentence = BROKEN_VALUES[value]
    bad = [{**GOOD, "prompt": wrong} for _ in range(2)]
    content = {
        "jsonl": lines(*bad),
        "json": json.dumps(bad).encode(),
        "parquet": parquet(prompt=[wrong, wrong], response=["a", "b"]),
    }[ending]
    with pytest.raises(UserError, match=f"sources.generic: .*/a.{ending}, row 1, {sentence}"):
        prepared(tmp_path, f"a.{ending}", content)


def test_numbers_that_are_none_and_bytes_and_dates_of_a_table_are_no_text(tmp_path):
    for value in (float("nan"), float("inf"), b"bytes", datetime.date(2020, 1, 1)):
        with pytest.raises(UserError, match="row 1, column 'prompt': expected text"):
            prepared(tmp_path, "a.parquet", parquet(prompt=[value], response=["a"]))


@pytest.mark.parametrize("wrong", [True, {"a": 1}, ["a", ["b"]], ["a", {"b": 1}]], ids=str)
def test_a_response_is_text_or_a_list_of_texts(tmp_path, wrong):
    with pytest.raises(UserError, match="row 2, column 'response': expected text or a list of"):
        prepared(tmp_path, "a.jsonl", lines(GOOD, {**GOOD, "response": wrong}))


def test_rows_without_a_value_are_left_out_and_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(GOOD, {**GOOD, "prompt": None}, {"prompt": "a"}, {"response": "a"}))
    spec = spec_of("generic", Roads(tmp_path, {"train": path}), False)
    facts = prepare(spec, tmp_path / "out", None)["rows"]["train"]
    assert (facts["read"], facts["kept"]) == (4, 1)
    assert facts["dropped"] == {"prompt or response is empty or blank": 3}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"\xef\xbb\xbf" + lines(GOOD)),
        ("a.jsonl", lines(GOOD).replace(b"\n", b"\r\n") + b"\r\n\r\n"),
        ("a.json", b"\xef\xbb\xbf" + json.dumps([GOOD]).encode()),
        ("a.json", lines(GOOD)),
        ("a.csv", b"\xef\xbb\xbfprompt,response\r\ntwo and two,four\r\n"),
        ("a.tsv", b"prompt\tresponse\n\ntwo and two\tfour\n"),
        ("a.csv", b'prompt,response\n"two and two","four"\n'),
    ],
)
def test_marks_of_order_and_ends_of_lines_change_nothing(tmp_path, name, content):
    (row,) = prepared(tmp_path, name, content)
    assert (row["prompt"], row["response"]) == ("two and two", "four")


def test_texts_of_json_stay_as_they_are_written(tmp_path):
    texts = [
        "2020-01-01",
        "2009-01-01 00:00:00",
        "1.0",
        "null",
        "a\u2028",
        "a\0b",
        "NA",
        "x" * 10**6,
    ]
    found = prepared(tmp_path, "a.jsonl", lines(*({**GOOD, "prompt": text} for text in texts)))
    assert [row["prompt"] for row in found] == texts


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize("together", [True, False], ids=["in one file", "alone"])
def test_texts_of_a_table_stay_as_they_are_written(tmp_path, ending, delimiter, together):
    texts = ["007", "1.50", "1e5", "+5", "-0", "True", "inf", "NA", "null", "9" * 30, "2020-01-01"]
    texts += [" a ", "a\r\nb", 'say "a"', "# a", "a\u2028", "\ufeffa"]
    for column in [texts] if together else [[text] for text in texts]:
        table = io.StringIO()
        writer = csv.writer(table, delimiter=delimiter)
        writer.writerows([["prompt", "response"], *([text, "four"] for text in column)])
        found = prepared(tmp_path, f"a.{ending}", table.getvalue().encode())
        assert [row["prompt"] for row in found] == column


def test_a_whole_number_becomes_text_and_nought_is_no_empty_text(tmp_path):
    found = prepared(
        tmp_path, "a.jsonl", lines({"prompt": 0, "response": 7}, {**GOOD, "prompt": 5})
    )
    assert [(row["prompt"], row["response"]) for row in found] == [("0", "7"), ("5", "four")]


def test_planning_looks_at_the_beginning_and_preparing_at_every_row(tmp_path):
    content = lines(GOOD) * 1000 + b"{\n"
    (tmp_path / "a.jsonl").write_bytes(content)
    assert _local_file(str(tmp_path / "a.jsonl"), "sources.mine.files.train", "generic")["sha256"]
    with pytest.raises(UserError, match="line 1001: not JSON"):
        prepared(tmp_path, "b.jsonl", content)


@pytest.mark.parametrize("content", [b"\xff\xfea\0", gzip.compress(b"a\n", mtime=0)])
def test_texts_side_by_side_that_are_no_texts_are_refused(tmp_path, content):
    for name in ("a.src", "a.dst"):
        (tmp_path / name).write_bytes(content)
    local = {f"train.{end}": tmp_path / f"a.{end}" for end in ("src", "dst")}
    spec = spec_of("wiki_auto", Roads(tmp_path, local), False, hold_out={"test": 1})
    with pytest.raises(UserError, match="a.src.*UTF-8"):
        prepare(spec, tmp_path / "out", None)
