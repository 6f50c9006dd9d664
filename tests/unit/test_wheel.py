"""The wheel is whole: its verbs need no clone."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools")
# A wheel is built.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BUILD = "from setuptools import build_meta; build_meta.build_wheel('wheel')"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder that a built wheel was unpacked to, as pip does."""
    source = tmp_path_factory.mktemp("source")
    for name in ("config", "docs", "envs", "profiles", "workflow"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "Snakefile"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-c", BUILD], cwd=source, check=True, capture_output=True)
    folder = tmp_path_factory.mktemp("installed")
    (wheel,) = (source / "wheel").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_it_holds_every_file_that_the_verbs_read(installed):
    package = ROOT / "workflow" / "lethe"
    wanted = {
        path.relative_to(package)
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted.add(Path("project", "Snakefile"))
    for folder in ("config", "docs", "envs", "profiles", "workflow/rules", "workflow/schemas"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        wanted |= {Path("project", path.relative_to(ROOT)) for path in files}
    found = installed / "lethe"
    assert not [str(path) for path in sorted(wanted) if not (found / path).is_file()]


def test_its_check_is_right_from_an_empty_folder(installed, tmp_path):
    told = subprocess.run(
        [sys.executable, "-m", "lethe", "check"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith("The configuration of study 'mini' is right"), told.stderr


def test_it_makes_a_study_in_an_empty_folder(installed, tmp_path):
    study = tmp_path / "study.yaml"
    shutil.copy(ROOT / "config" / "test-nano.yaml", study)
    told = subprocess.run(
        [sys.executable, "-m", "lethe", "run", "study.yaml", "--cores", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    assert "Figures: results/studies/nano/figures" in told.stdout
    assert (tmp_path / "results" / "studies" / "nano" / "metrics.csv").is_file()
    again = subprocess.run(
        [sys.executable, "-m", "lethe", "run", "study.yaml", "--dry-run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert "Nothing to be done" in again.stdout + again.stderr
