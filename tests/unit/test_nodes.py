"""A node is made once: what was published from the same spec, code and inputs is found again."""

from collections import Counter

import pytest

from lethe.artefacts import faults
from lethe.artefacts.files import write_atomic
from lethe.artefacts.nodes import make_node
from lethe.errors import UserError

SPEC = {"kind": "data"}


def test_a_lost_manifest_is_restored_and_a_full_disk_is_not_taken_for_a_lost_one(
    tmp_path, monkeypatch
):
    made = []

    def make(directory):
        made.append(directory)
        write_atomic(directory / "rows", "x\n")
        return {}, ["rows"]

    first = make_node(tmp_path, "node", SPEC, "code", make)
    (tmp_path / "data" / "node" / "data.json").unlink()
    monkeypatch.setattr(faults, "_passed", Counter())
    monkeypatch.setenv("LETHE_FAULT", "open:1:disk")
    with pytest.raises(UserError, match="no space is left"):
        make_node(tmp_path, "node", SPEC, "code", make)
    monkeypatch.delenv("LETHE_FAULT")
    assert make_node(tmp_path, "node", SPEC, "code", make) == first
    assert len(made) == 1
    make_node(tmp_path, "node", SPEC, "other code", make)
    assert len(made) == 2
