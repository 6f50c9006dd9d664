"""The published numbers of Luo et al. 2023 with their provenance, and the roles of its models.

A file NAME.csv of numbers has NAME-models.csv beside it: family, series and untuned of each model.
"""

from pathlib import Path

import pandas as pd

from lethe.artefacts.paths import LUO2023
from lethe.errors import UserError

NUMBER_COLUMNS = [
    "table", "model", "params_b", "eval_category", "eval_set", "quantity", "stage", "value", "unit",
    "source",
]  # fmt: skip
MODEL_COLUMNS = ["model", "params_b", "family", "series", "untuned"]
AXES = {
    "domain_knowledge": "knowledge",
    "reasoning": "reasoning",
    "reading_comprehension": "reading",
    "bias": "bias",
    "new_task": "own",
}
# Rows that hold a category's mean, in percent; the others are single sets.
MEANS = ("category_mean", "CrowS-Pairs_mean")


def read_published(path: Path | str = LUO2023) -> pd.DataFrame:
    """Published numbers with the column `axis` added; value as printed (percent, BLEU 0..100).

    Raises:
        UserError: the file is missing, lacks a column, or has an unknown category.
    """
    frame = _read(Path(path), NUMBER_COLUMNS)
    unknown = sorted(set(frame["eval_category"]) - set(AXES))
    if unknown:
        raise UserError(
            f"{path}: expected one of {', '.join(AXES)} in the column 'eval_category', "
            f"found {unknown[0]!r}."
        )
    return _numeric(frame, path, ["params_b", "value"]).assign(
        axis=frame["eval_category"].map(AXES)
    )


def read_published_models(path: Path | str = LUO2023) -> pd.DataFrame:
    """The models of a file of published numbers: params_b (1e9), family, series, untuned.

    Raises:
        UserError: as `read_published`.
    """
    path = Path(path)
    roles = path.with_name(f"{path.stem}-models.csv")
    return _numeric(_read(roles, MODEL_COLUMNS), roles, ["params_b"])


def means(published: pd.DataFrame) -> pd.DataFrame:
    """The category means, one row per model, axis and quantity (a model may be in two tables)."""
    rows = published[published["eval_set"].isin(MEANS)]
    return rows.drop_duplicates(["model", "axis", "quantity"])


def _read(path: Path, wanted: list[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{path}: cannot be read as a CSV table ({error}).") from None
    absent = [column for column in wanted if column not in frame.columns]
    if absent:
        raise UserError(f"{path}: the column {absent[0]!r} is missing; expected {wanted}.")
    return frame


def _numeric(frame: pd.DataFrame, path: Path | str, names: list[str]) -> pd.DataFrame:
    for name in names:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if numbers.isna().any():
            row = int(numbers.isna().to_numpy().argmax())
            raise UserError(
                f"{path}: row {row + 1}, column {name!r}: expected a number, "
                f"found {frame[name].iloc[row]!r}."
            )
        frame = frame.assign(**{name: numbers})
    return frame
