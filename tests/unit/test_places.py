"""Where a study writes: something else there is a sentence that names it, before anything runs."""

from pathlib import Path

import pytest

from lethe.artefacts.output_folder import require_places
from lethe.errors import UserError


def a_file(path: Path) -> None:
    path.write_text("")


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


FOLDERS = ("stages", "logs", "work", ".runs", "stages/node", "studies/mine", "studies/mine/tables")
FILES = ("stages/node/stage.json", "studies/mine/scores.csv", "studies/mine/tables/fg.md")


def look(results: Path) -> None:
    manifests = [results / "stages" / "node" / "stage.json"]
    require_places(results, manifests, results / "studies" / "mine")


OTHERS = {"folder": a_file, "file": Path.mkdir}
CASES = [
    (name, kind, put)
    for kind, names in (("folder", FOLDERS), ("file", FILES))
    for name in names
    for put in (OTHERS[kind], a_link_to_nothing, a_link_to_itself)
]


@pytest.mark.parametrize(("name", "kind", "put"), CASES)
def test_something_else_in_the_place_of_a_folder_or_file_is_named(tmp_path, name, kind, put):
    place = tmp_path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place)
    with pytest.raises(UserError, match=f"{name}: expected a {kind}, found .*, and run again"):
        look(tmp_path)


def test_results_that_are_not_there_yet_or_reached_by_links_are_accepted(tmp_path):
    look(tmp_path)
    for name in ("stages/node", "studies/mine/tables"):
        (tmp_path / "disk" / name).mkdir(parents=True)
    for name in ("stages", "studies"):
        (tmp_path / name).symlink_to(tmp_path / "disk" / name)
    (tmp_path / "file").write_text("")
    for name in FILES:
        (tmp_path / name).symlink_to(tmp_path / "file")
    look(tmp_path)
