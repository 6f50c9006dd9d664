"""Every study in `config/` is right as shipped, or the first file that it lacks is a user's."""

from pathlib import Path

import pytest

from lethe.cli import main

ROOT = Path(__file__).parents[2]
FOLDERS = ("config", "config/examples", "config/tuning")
STUDIES = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.yaml"))
# What a user fills in; each is named at the head of the study's file.
YOURS = {
    "ke2023": "data/ke2023",
    "adapters-elsewhere": "my-models",
    "checkpoints-elsewhere": "my-models",
    "own-study": "my-models",
}


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_is_right_or_says_what_to_fill_in(study, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    # These lie over another study.
    below = [ROOT / "config" / "test-nano.yaml"] if study.stem == "test-slurm" else []
    below += [ROOT / "config" / "mini-tuning-ke.yaml"] if study.parent.name == "tuning" else []
    status = main(["check", "--configfile", *map(str, below), str(study)])
    told = capsys.readouterr()
    yours = YOURS.get(study.stem)
    if yours is None or Path(yours).exists():
        assert (status, told.err) == (0, "")
        return
    assert status == 2 and f"found none at {yours}" in told.err
    head = study.read_text().partition("\nstudy:")[0]
    assert yours in head
