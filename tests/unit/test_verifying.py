"""`lethe verify` of a study takes the name of a study, and nothing else."""

import pytest

from lethe.artefacts.verifying import find_of_study
from lethe.errors import UserError


@pytest.fixture
def results(tmp_path):
    (tmp_path / "studies" / "nano").mkdir(parents=True)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "study-nano-0123456789ab.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["", ".", "..", "nan*", "*", "nano/", "[n]ano", "a/" * 3000, "a\0"]
)
def test_what_names_no_study_is_refused_with_the_names_there_are(results, name):
    with pytest.raises(UserError, match="There is no study .* it holds: nano"):
        list(find_of_study(results, name))


def test_a_study_is_found_by_its_whole_name(results):
    (results / "specs" / "study-nano-two-0123456789ab.json").write_text("{}")
    (finding,) = find_of_study(results, "nano")
    assert "study-nano-0123456789ab.json" in finding.what
