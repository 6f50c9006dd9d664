"""What is in a file is what is taught, from every format: round trips of any text and number."""

import copy
import csv
import datetime
import decimal
import io
import json
import pickle
import random

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_loaders import rows

from lethe.artefacts.strict_json import WrittenNumber, loads
from lethe.errors import UserError
from lethe.imported.items import read_samples
from lethe.planning.data import CHECKED_ROWS
from lethe.sources.loaders.registry import is_blank
from lethe.sources.parameters import source_parameters
from lethe.sources.prepare import check_beginning, prepare
from lethe.sources.prompt_sets import PromptSet
from lethe.sources.reading import read_paired_lines, read_raw

LOOKALIKES = (
    ["2011-03-07", "07:45", "2011-03-07T07:45:00Z", "2011-03-07 00:00:00", "1/2/2003", "P1D"]
    + ["00420", "+5", "-0", "2.50", "3e4", "1E5", ".5", "5.", "0x1F", "1_000", "1,000", "९"]
    + ["TRUE", "true", "False", "yes", "null", "None", "NA", "NaN", "inf", "-Infinity", "#N/A"]
    + ["9" * 30, "-" + "9" * 400, "0", "0.0", "[1, 2]", '{"a": 1}', '"quoted"', "'", "\\n", "# a"]
    + [
        " blanks around ",
        "\ttab",
        "a\r\nb",
        "a\rb",
        "a\nb",
        "a\u2028",
        "\x85a",
        "\ufeffmark",
        "e\u0301",
    ]
)
# Half a character cannot be written as UTF-8, a csv cannot hold a NUL, and blanks are no text.
TEXTS = st.one_of(
    st.sampled_from(LOOKALIKES),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
        lambda text: not is_blank(text)
    ),
)
NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


def table(delimiter, pairs):
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([("prompt", "response"), *pairs])
    return written.getvalue().encode()


def parquet(kind):
    def write(pairs):
        columns = [pa.array(column, pa.string()) for column in zip(*pairs, strict=True)]
        if kind == "dictionary":
            columns = [column.dictionary_encode() for column in columns]
        else:
            columns = [column.cast(kind) for column in columns]
        buffer = io.BytesIO()
        pq.write_table(pa.table(dict(zip(("prompt", "response"), columns, strict=True))), buffer)
        return buffer.getvalue()

    return write


def objects(pairs):
    return [{"prompt": prompt, "response": response} for prompt, response in pairs]


def lines(pairs, **options):
    return "".join(json.dumps(row, **options) + "\n" for row in objects(pairs)).encode()


WRITERS = {
    "jsonl": lines,
    "unescaped.jsonl": lambda pairs: lines(pairs, ensure_ascii=False),
    "json": lambda pairs: json.dumps(objects(pairs)).encode(),
    "csv": lambda pairs: table(",", pairs),
    "tsv": lambda pairs: table("\t", pairs),
    "string.parquet": parquet(pa.string()),
    "large.parquet": parquet(pa.large_string()),
    "dictionary.parquet": parquet("dictionary"),
}


def spec_of(path, loader="generic", **parameters):
    return {
        "source": "files",
        "name": "mine",
        "loader": loader,
        "parameters": source_parameters("sources.mine", "files", loader, parameters),
        "subset": None,
        "files": {"train": {"path": str(path)}},
    }


def taught(folder, name, content, loader="generic", columns=("prompt", "response"), **parameters):
    """The columns of the prepared rows, after the beginning was found right as in a check."""
    path = folder / f"a.{name}"
    path.write_bytes(content)
    spec = spec_of(path, loader, **parameters)
    check_beginning(spec, CHECKED_ROWS)
    prepare(spec, folder / "out", None)
    return [tuple(row[column] for column in columns) for row in rows(folder / "out/train.jsonl")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("written")


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_any_text_is_taught_as_it_stands(folder, name, pairs):
    assert taught(folder, name, WRITERS[name](pairs)) == pairs


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_of_one_kind_and_a_mixed_one_are_taught_alike(folder, name):
    for text in LOOKALIKES:
        for pairs in ([(text, "b")] * 3, [(text, "b"), ("a word", "b"), ("1", text)]):
            assert taught(folder, name, WRITERS[name](pairs)) == pairs


@pytest.mark.parametrize("ending", ["jsonl", "json"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(numbers=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6))
def test_a_number_of_json_is_taught_as_it_is_written(folder, ending, numbers):
    written = [f'{{"prompt": {prompt}, "response": {response}}}' for prompt, response in numbers]
    content = "\n".join(written) if ending == "jsonl" else f"[{', '.join(written)}]"
    assert taught(folder, ending, content.encode()) == numbers


def test_a_list_of_right_responses_keeps_how_numbers_are_written(folder):
    content = b'{"prompt": "a", "response": [2.50, 3e4, "x", -0, null, 007]}'.replace(b"007", b"7")
    path = folder / "a.jsonl"
    path.write_bytes(content)
    spec = spec_of(path, hold_out={"test": 1})
    path.write_bytes(content + b"\n" + content)
    prepare(spec, folder / "out", None)
    (row,) = rows(folder / "out/test.jsonl")
    assert row["references"] == ["2.50", "3e4", "x", "-0", "7"]


@pytest.mark.parametrize("name", ["jsonl", "csv", "string.parquet"])
def test_fifty_thousand_rows_keep_their_texts_when_their_kind_changes_late(folder, name):
    dates = [(f"{1900 + n % 100}-01-{n % 28 + 1:02}", f"{n:06}") for n in range(49_000)]
    pairs = [*dates, *[(f"{n}.50", "TRUE") for n in range(999)], ("a word", "another")]
    assert taught(folder, name, WRITERS[name](pairs)) == pairs


def test_labels_are_named_as_they_are_written(folder):
    content = b"".join(
        b'{"text": "a", "label": %s}\n' % label for label in (b"1.50", b"true", b"0")
    )
    found = taught(folder, "jsonl", content * 2, "labelled", ("label",), hold_out={"test": 3})
    assert found == [("1.50",), ("true",), ("0",)]


def test_whole_and_exact_numbers_of_parquet_are_texts_and_others_are_refused(folder):
    exact = decimal.Decimal("0.00000002")
    for value, text in ((420, "420"), (2**63 - 1, str(2**63 - 1)), (exact, f"{exact:f}")):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"prompt": [value], "response": ["a"]}), buffer)
        assert taught(folder, "parquet", buffer.getvalue()) == [(text, "a")]
    for value in (420.0, datetime.date(2011, 3, 7), datetime.time(7, 45), True):
        pq.write_table(pa.table({"prompt": [value], "response": ["a"]}), folder / "b.parquet")
        with pytest.raises(UserError, match="row 1, column 'prompt': expected text, found"):
            check_beginning(spec_of(folder / "b.parquet"), CHECKED_ROWS)


def test_a_parquet_file_keeps_its_types_whatever_the_file_before_it_has(folder):
    files = [folder / "1.parquet", folder / "2.parquet"]
    for file, value in zip(files, (2.5, 8), strict=True):
        pq.write_table(pa.table({"a": [value]}), file)
    assert [repr(row["a"]) for row in read_raw(files, "mine")] == ["2.5", "8"]
    names = [str(file) for file in files]
    by_datasets = datasets.load_dataset("parquet", data_files=names, split="train", streaming=True)
    assert [repr(row["a"]) for row in by_datasets] == ["2.5", "8.0"]  # why it is not used here


def test_lines_side_by_side_keep_carriage_returns_within_a_line(tmp_path):
    (tmp_path / "a.src").write_bytes(b"\xef\xbb\xbfone\rtwo\r\nthree\n")
    (tmp_path / "a.dst").write_bytes("1\u2028\n2".encode())
    found = list(read_paired_lines(tmp_path / "a.src", tmp_path / "a.dst", ("s", "t"), "mine"))
    assert found == [{"s": "one\rtwo", "t": "1\u2028"}, {"s": "three", "t": "2"}]


def test_a_value_that_looks_like_a_field_of_its_prompt_is_left_alone():
    prompts = PromptSet(("[first] and [second]",), ("first", "second"))
    rendered, _ = prompts.render({"first": "[second]", "second": "[first]"}, random.Random(0))
    assert rendered == "[second] and [first]"


@given(text=NUMBERS)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_written_number_is_the_number_and_its_text(text):
    number = loads(text, as_written=True)
    assert str(number) == text and f"{number}" == text
    assert number == loads(text)
    assert isinstance(number, int) == text.lstrip("-").isdigit() or text == "-0"
    assert isinstance(number, int | WrittenNumber)
    assert str(copy.deepcopy(number)) == str(pickle.loads(pickle.dumps(number))) == text
    assert json.loads(json.dumps(number)) == number


def test_a_key_that_a_logged_sample_has_twice_is_refused(tmp_path):
    sample = '{"doc_id": 0, "doc": {"answer": 0, "answer": 1}, "filtered_resps": []}\n'
    (tmp_path / "samples.jsonl").write_text(sample)
    with pytest.raises(UserError, match="samples.jsonl, line 1: the key 'answer' occurs twice"):
        list(read_samples(tmp_path / "samples.jsonl"))


# Columns: by check, as the first rows show it, and by the data job where a later row lacks one.
@pytest.mark.parametrize(
    ("name", "content", "loader"),
    [
        ("jsonl", b'{"prompt": "a"}\n', "generic"),
        ("jsonl", b'{"prompt": "a", "respones": "b"}\n', "generic"),
        ("json", b'[{"prompt": "a"}]', "generic"),
        ("csv", b"prompt,Response\na,b\n", "generic"),
        ("tsv", b"prompt\tRESPONSE\na\tb\n", "generic"),
        ("jsonl", b'{"text": "a"}\n', "labelled"),
        ("jsonl", b'{"instruction": "a", "output": "b"}\n', "alpaca"),
    ],
)
def test_a_missing_column_is_named_when_the_study_is_checked(tmp_path, name, content, loader):
    (tmp_path / f"a.{name}").write_bytes(content)
    spec = spec_of(tmp_path / f"a.{name}", loader)
    spec["files"]["test"] = spec["files"]["train"]
    with pytest.raises(UserError, match="sources.mine: expected the column .*found .*columns"):
        check_beginning(spec, CHECKED_ROWS)


def test_a_later_file_without_a_column_is_refused(tmp_path):
    (tmp_path / "1.csv").write_text("prompt,response\na,b\n")
    (tmp_path / "2.csv").write_text("prompt,answer\nc,d\n")
    spec = spec_of(tmp_path / "1.csv")
    spec["files"] = {f"train.{n}": {"path": str(tmp_path / f"{n}.csv")} for n in (1, 2)}
    with pytest.raises(UserError, match="row 2: expected the column 'response' as in row 1"):
        check_beginning(spec, CHECKED_ROWS)


def test_a_split_that_is_missing_is_named_when_the_study_is_checked(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": "b"}\n')
    with pytest.raises(UserError, match="the split test is missing"):
        check_beginning(spec_of(tmp_path / "a.jsonl", "labelled"), CHECKED_ROWS)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json"])
def test_a_file_without_rows_is_refused_when_the_study_is_checked(tmp_path, name):
    (tmp_path / "a.csv").write_text("prompt,response\n")
    (tmp_path / "a.json").write_text("[]")
    pq.write_table(pa.table({"prompt": pa.array([], pa.string())}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=f"the split train has no examples: 0 rows read .*{name}"):
        check_beginning(spec_of(tmp_path / name), CHECKED_ROWS)
