"""A made-up study in a folder, as `lethe assemble` leaves it."""

from pathlib import Path

import pandas as pd
from synthetic_study import Synthetic, synthetic_study

from lethe.artefacts.files import read_json
from lethe.commands.render import resummarize
from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
from lethe.longtables.items import ItemsWriter
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.study_record import StudyRecord, write_study_record
from lethe.longtables.tables import write_metrics, write_scores, write_stages
from lethe.planning.records import claims_record

SMALL = Synthetic(
    models=(("decoder-xs", 183_000),),
    base_seeds=(0, 1),
    orders=("forward",),
    control=False,
    tasks=("simp", "hgen"),
    items=24,
    sets_an_axis=1,
    sets=(
        ("knowledge", ("know_nature",)),
        ("bias", ("bias_pairs",)),
        ("own", ("own_simp", "own_hgen")),
    ),
)


def small_record(**changes) -> StudyRecord:
    """What the small study shows."""
    study = parse_study({**read_yaml(DEFAULT), "claims": ["C1"]})
    words = {
        "study": "small",
        "bootstrap_seed": 3,
        "tables": ["fg", "learning"],
        "figures": ["matrix"],
        "claims": claims_record(study, read_catalogue(study))["claims"],
        "settings": {"decoder-xs, sequential, forward, default": "d1"},
        "item_sets": sorted(probe for _, probes in SMALL.sets for probe in probes),
    }
    return StudyRecord(**{**words, **changes})


def small_study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(scores, items) of the small study, two base seeds."""
    return synthetic_study(SMALL)


def of_seed(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The scores or items of one base seed; the name of a node holds it."""
    return rows[rows["node"].str.contains(f"-b{seed}-")]


def stages_of(scores: pd.DataFrame) -> list[dict]:
    """What the stages of some scores cost."""
    columns = [*RUN_COLUMNS, "params", "node", "stage_index", "stage_task"]
    trained = scores[scores["stage_index"] > 0][columns].drop_duplicates()
    return [
        row
        | {"device": "cpu", "measure": measure, "layer": None, "unit": None, "schema_version": 3}
        | {"value": float(row["params"] % 97 + row["stage_index"] + number + 0.5)}
        for row in trained.to_dict("records")
        for number, measure in enumerate(("cost.steps", "cost.seconds"))
    ]


def write_study(
    folder: Path,
    scores: pd.DataFrame,
    items: pd.DataFrame,
    record: StudyRecord,
    summarized: bool = False,
) -> Path:
    """Write a study's long tables and its record; returns the folder.

    summarized: whether to compute the metrics; without, their table has no rows.
    """
    write_scores(folder / "scores.csv", scores)
    write_stages(folder / "stages.csv", stages_of(scores))
    with ItemsWriter(folder / "items", folder / ".work") as writer:
        for (node, probe), rows in items.groupby(["node", "probe"], sort=True):
            writer.add(node, probe, [_item(row) for row in rows.to_dict("records")])
        writer.finish()
    if summarized:
        resummarize(folder, record.bootstrap_seed)
    else:
        write_metrics(folder / "metrics.csv", [])
    write_study_record(folder, record)
    return folder


def _item(row: dict) -> dict:
    values = {name: value for name, value in row.items() if name.startswith("value_")}
    metrics = {name.removeprefix("value_"): v for name, v in values.items() if pd.notna(v)}
    return {name: value for name, value in row.items() if name not in values} | {"metrics": metrics}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but manifests, which hold when files changed."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not _is_manifest(path)}


def _is_manifest(path: Path) -> bool:
    return path.suffix == ".json" and "files" in read_json(path)
