"""Read and write a CSV file whose rows follow a JSON schema; the first violation is one sentence.

Values are checked column by column and once per distinct value, so a table of a hundred thousand
rows is checked in a fraction of a second. An empty field is null if the schema allows null, else
the empty string.
"""

import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from lethe.artefacts.files import write_atomic
from lethe.errors import UserError
from lethe.longtables.rows import SCHEMAS

INTEGER = re.compile(r"-?[0-9]{1,19}")
BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
NAMES = {"integer": "an integer", "number": "a finite number", "boolean": "true or false"}


def columns(name: str) -> list[str]:
    """Column names of a table, in order."""
    return list(SCHEMAS[name]["properties"])


def read_table(name: str, path: Path | str) -> pd.DataFrame:
    """Read and check a table. Integers that may be empty are Int64, numbers are float64.

    Raises UserError naming the file, row (counted from 1 after the header) and column.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    return parse_table(name, text, str(path))


def write_table(name: str, path: Path | str, rows: pd.DataFrame | Iterable[dict]) -> None:
    """Check and write a table. Same rows, same bytes.

    Raises UserError if a row violates the schema, and writes nothing.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    text = table_text(name, frame, str(path))
    parse_table(name, text, str(path))
    write_atomic(path, text)


def table_text(name: str, frame: pd.DataFrame, where: str) -> str:
    """The CSV text of a frame, columns in the schema's order, numbers in their shortest form."""
    wanted = columns(name)
    if len(frame.columns) or len(frame):
        _require_columns(wanted, list(frame.columns), where)
    frame = frame.reindex(columns=wanted)
    for column, rule in SCHEMAS[name]["properties"].items():
        if "boolean" in _types(rule):
            frame[column] = [_boolean_text(value) for value in frame[column]]
        elif "integer" in _types(rule):
            # Few values of a column are distinct, of a table with hundreds of thousands of rows.
            places, distinct = pd.factorize(frame[column], use_na_sentinel=False)
            texts = [_integer_text(value) for value in distinct]
            frame[column] = [texts[place] for place in places]
    return frame.to_csv(index=False, lineterminator="\n")


def parse_table(name: str, text: str, where: str) -> pd.DataFrame:
    """Typed frame from CSV text; UserError on the first violation of the schema."""
    try:
        frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, index_col=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise UserError(f"{where}: not a CSV table ({str(error).strip()})") from None
    _require_columns(columns(name), list(frame.columns), where)
    properties = SCHEMAS[name]["properties"]
    typed = {
        column: _typed_column(frame[column], rule, f"{where}", column)
        for column, rule in properties.items()
    }
    return pd.DataFrame(typed)


def _require_columns(wanted: list[str], found: list[str], where: str) -> None:
    missing = [column for column in wanted if column not in found]
    unknown = [column for column in found if column not in wanted]
    if missing:
        raise UserError(f"{where}: the column {missing[0]!r} is missing; expected {wanted}")
    if unknown:
        raise UserError(f"{where}: unknown column {unknown[0]!r}; allowed are {wanted}")
    if len(found) != len(wanted):
        raise UserError(f"{where}: a column occurs twice; expected {wanted}")


def _typed_column(texts: pd.Series, rule: dict, where: str, column: str) -> pd.Series:
    convert = _converter(rule)
    places, distinct = pd.factorize(texts)
    values: list[Any] = []
    for place, text in enumerate(distinct.tolist()):
        try:
            values.append(convert(text))
        except ValueError as error:
            row = int((places == place).argmax()) + 1
            raise UserError(
                f"{where}: row {row}, column {column!r}: expected {error}, found {_shown(text)}"
            ) from None
    return pd.Series(values, dtype=_dtype(_types(rule))).take(places).reset_index(drop=True)


def _dtype(types: list[str]) -> str:
    if "boolean" in types:
        return "boolean"
    if "integer" in types:
        return "Int64" if "null" in types else "int64"
    return "float64" if "number" in types else "object"


def _converter(rule: dict) -> Callable[[str], Any]:
    types = _types(rule)

    def convert(text: str) -> Any:
        if "string" in types:
            return _checked(text, rule)
        if text == "" and "null" in types:
            return None
        kind = next(kind for kind in types if kind != "null")
        return _checked(_parsed(text, kind, " or nothing" if "null" in types else ""), rule)

    return convert


def _parsed(text: str, kind: str, tail: str) -> int | float | bool:
    if kind == "integer" and INTEGER.fullmatch(text) and abs(int(text)) < 2**63:
        return int(text)
    if kind == "boolean" and text in BOOLEANS:
        return BOOLEANS[text]
    if kind == "number":
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if abs(value) < float("inf"):
            return value
    raise ValueError(NAMES[kind] + tail)


def _checked(value: Any, rule: dict) -> Any:
    if "const" in rule and value != rule["const"]:
        raise ValueError(repr(rule["const"]))
    if "enum" in rule and value not in rule["enum"]:
        raise ValueError(f"one of {', '.join(rule['enum'])}")
    if "minimum" in rule and value < rule["minimum"]:
        raise ValueError(f"at least {rule['minimum']}")
    if "maximum" in rule and value > rule["maximum"]:
        raise ValueError(f"at most {rule['maximum']}")
    if "minLength" in rule and len(value) < rule["minLength"]:
        raise ValueError("some text")
    if rule.get("contentMediaType") == "application/json":
        _require_json_object(value)
    return value


def _require_json_object(text: str) -> None:
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ValueError("a JSON object")


def _types(rule: dict) -> list[str]:
    return [rule["type"]] if isinstance(rule["type"], str) else rule["type"]


def _shown(text: str) -> str:
    return "an empty field" if text == "" else repr(text[:60])


def _boolean_text(value: Any) -> str:
    return "" if pd.isna(value) else str(value).lower()


def _integer_text(value: Any) -> str:
    """Text of an integer, also if pandas made it a float because the column has empty fields."""
    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
