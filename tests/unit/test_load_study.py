"""A study's results in Python: as the files say, and in a process that has no torch."""

import subprocess
import sys

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from study_folder_case import small_record, small_study, write_study

import lethe
from lethe.commands.keep import KEPT
from lethe.errors import UserError
from lethe.longtables.tables import read_metrics, read_scores


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return write_study(folder, *small_study(), small_record(), summarized=True)


def test_the_tables_are_those_of_the_files(folder):
    study = lethe.load_study(folder)
    assert study.name == small_record().study
    assert_frame_equal(study.scores, read_scores(folder / "scores.csv"))
    assert_frame_equal(study.metrics, read_metrics(folder / "metrics.csv"))
    assert sorted(study.items) == sorted(small_record().item_sets)
    items = study.items["know_nature"]
    first = study.scores[(study.scores["probe"] == "know_nature")].iloc[0]
    answers = items[items["node"] == first["node"]]
    assert answers["value_acc"].mean() == pytest.approx(first["value"])


def test_claims_are_tested_and_a_missing_table_has_no_rows(folder):
    study = lethe.load_study(str(folder))
    assert set(study.claims["claim"]) == {"C1"} and "verdict" in study.claims
    assert list(study.stages.columns) and isinstance(study.calibration, pd.DataFrame)


def test_what_is_no_study_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="expected the folder of a study, found none"):
        lethe.load_study(tmp_path / "nothing")
    with pytest.raises(UserError, match="study.json"):
        lethe.load_study(tmp_path)
    with pytest.raises(AttributeError, match="load_studies"):
        lethe.load_studies  # noqa: B018


def test_the_package_starts_without_heavy_libraries():
    code = "import lethe, sys; print(sorted({'torch', 'pandas'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_kept_study_opens(request):
    folder = request.config.rootpath / KEPT / "mini-rates-ke"
    study = lethe.load_study(folder)
    assert len(study.scores) and not len(study.items)
