"""Methods, tables and figures are known by their files."""

import importlib

import pytest

from lethe.config import by_file
from lethe.config.by_file import DEFINES, names_in, require_file
from lethe.config.reading import check_selection, read_catalogue, read_study
from lethe.errors import UserError


@pytest.fixture
def package(tmp_path, monkeypatch):
    for room in DEFINES:
        (tmp_path / "lethe" / room).mkdir(parents=True)
    monkeypatch.setattr(by_file, "PACKAGE", tmp_path / "lethe")
    return tmp_path / "lethe"


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("figures", "def draw(tables):\n    return None\n"),
        ("tables", "import numpy\n\n\ndef build(tables):\n    pass\n"),
        ("methods", "METHOD = dict\n"),
        ("methods", "METHOD: type = dict\n"),
    ],
)
def test_a_new_file_is_all_that_a_new_one_takes(package, room, text):
    (package / room / "mine.py").write_text(text)
    require_file(room, room, "mine")
    assert names_in(room) == ["mine"]


@pytest.mark.parametrize(
    "text",
    ["", "def drawn(tables):\n    pass\n", "class A:\n    def draw(self):\n        pass\n",
     "# def draw(tables)\n", "redraw = draw\n"],
)  # fmt: skip
def test_a_file_without_its_function_is_one_sentence_and_not_among_the_known(package, text):
    (package / "figures" / "mine.py").write_text(text)
    (package / "figures" / "other.py").write_text("def draw(tables):\n    pass\n")
    with pytest.raises(UserError, match=r"^figures: 'mine' has a file, lethe/figures/mine.py, but"):
        require_file("figures", "figures", "mine")
    assert names_in("figures") == ["other"]


def test_a_name_without_a_file_is_one_sentence_with_the_nearest(package):
    (package / "figures" / "evolution.py").write_text("def draw(tables):\n    pass\n")
    with pytest.raises(UserError, match="'evolutoin' is not known; did you mean 'evolution'"):
        require_file("figures", "figures", "evolutoin")


@pytest.mark.parametrize(("key", "helper", "name"), [
    ("figures", "drawing", "draw"), ("tables", "writing", "build"),
])  # fmt: skip
def test_a_study_that_selects_a_helper_is_refused_before_anything_runs(key, helper, name):
    study = read_study()
    catalogue = read_catalogue(study)
    with pytest.raises(UserError, match=f"{key}: '{helper}' has a file.*`{name}`"):
        check_selection(study.model_copy(update={key: [helper]}), catalogue)


@pytest.mark.parametrize("room", DEFINES)
def test_every_known_name_defines_what_one_of_its_kind_must(room):
    names = names_in(room)
    assert names
    for name in names:
        assert callable(getattr(importlib.import_module(f"lethe.{room}.{name}"), DEFINES[room]))
