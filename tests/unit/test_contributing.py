"""The contributors' page shows the contract's order of the rooms, and names files that exist."""

import re
import tomllib

from lethe.artefacts.paths import PACKAGE, PROJECT

PAGE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_rooms_stand_in_the_order_of_the_contract():
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {c["id"]: c for c in settings["tool"]["importlinter"]["contracts"]}
    layers = [set(layer.split(" | ")) for layer in contracts["rooms"]["layers"]]
    table = PAGE.partition("| from the top |")[2].partition("\n\n")[0]
    shown = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines()[2:]]
    assert shown == layers


def test_every_file_that_the_page_names_exists():
    folders = (PACKAGE, PROJECT, PROJECT / "config" / "catalogue", PACKAGE / "models")
    names = set(re.findall(r"`([a-z_/]+\.(?:py|smk|yaml|toml))`", PAGE))
    assert len(names) > 20
    missing = {name for name in names if not any((folder / name).is_file() for folder in folders)}
    assert not missing
