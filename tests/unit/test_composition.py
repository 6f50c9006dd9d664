"""What goes together: the manual's table and `lethe methods` say what planning does."""

import json
import subprocess
import sys

import pytest

from lethe.cli import main
from lethe.commands import methods
from lethe.commands.methods import _page, described
from lethe.config.by_file import names_in
from lethe.config.catalogue import Catalogue, MethodEntry
from lethe.config.reading import CATALOGUE, read_yaml
from lethe.errors import UserError
from lethe.methods.parameters.base import MethodParameters, parameters_of
from lethe.parametrisations.parameters import KINDS, ParametrisationEntry
from lethe.planning import composition
from lethe.planning.composition import FAMILIES, Row, parametrisations, rows_of
from lethe.planning.parametrisations import spec_of
from lethe.planning.stages import _require_family

METHODS = names_in("methods")
ENTRIES = read_yaml(CATALOGUE / "methods.yaml")


def is_planned(call, *arguments) -> str:
    """Empty if planning takes it, else the sentence with which it refuses."""
    try:
        call(*arguments)
    except UserError as error:
        return str(error)
    return ""


def entry_of(way: str) -> ParametrisationEntry:
    kind, _, chain = way.partition(":")
    return ParametrisationEntry(kind=kind, settings={"chain": chain} if chain else {})


@pytest.mark.parametrize("method", METHODS)
def test_planning_refuses_what_the_table_does_with_the_same_reason(method):
    for row in rows_of(method, parameters_of(method)):
        key, _, value = row.when.partition(": ")
        hyper = parameters_of(method)(**({key: value} if key else {}))
        entry = MethodEntry(method=method, source="none")
        for family in FAMILIES:
            said = is_planned(_require_family, "mine", entry, hyper, family)
            assert bool(said) == (family not in row.families)
        for way in parametrisations():
            catalogue = Catalogue(parametrisations={"mine": entry_of(way)})
            said = is_planned(spec_of, catalogue, "mine", {"methods.mine": hyper})
            assert bool(said) == (way in row.refused) and row.refused.get(way, "") in said


def test_the_columns_are_all_kinds_and_all_ways_to_go_on():
    ways = parametrisations()
    assert {way.partition(":")[0] for way in ways} == KINDS.keys()
    assert ways["lora"] == ["lora", "lora:same"] and "lora:fresh" in ways


class Picky(MethodParameters):
    """A method for one way, on one family."""

    families = frozenset({"causal"})
    only_with = ("lora:one-a-task",)
    needs_base = True
    reads_earlier = True


def test_a_method_made_for_one_way_is_refused_all_others_with_it_as_the_reason():
    (row,) = rows_of("picky", Picky)
    assert row.refused.keys() == parametrisations().keys() - {"lora:one-a-task"}
    assert set(row.refused.values()) == {"it is made for LoRA with `chain: one-a-task`"}
    assert composition.needs(Picky) == ["data of earlier stages", "the chain's base"]


def test_equal_reasons_share_a_note_and_every_note_is_used(monkeypatch):
    rows = [
        Row("one", "", frozenset(FAMILIES), "", {"lora": "a reason", "frozen": "another"}),
        Row("kd", "key: 1", frozenset({"causal"}), "not there", {"lora": "a reason"}),
    ]
    monkeypatch.setattr(composition, "composition", lambda: rows)
    monkeypatch.setattr(composition, "parameters_of", lambda name: MethodParameters)
    head, rule, first, second, _, *notes = composition.markdown().splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == second.count("|")
    assert first.startswith("| `one` | yes | yes | yes |") and "`kd`, `key: 1` | yes |" in second
    assert notes == ["- [1] a reason", "- [2] another", "- [3] not there"]
    assert first.count("[1]") == second.count("[1]") == 1 and second.count("[3]") == 2


def test_what_depends_on_the_model_is_a_note_beside_a_yes():
    (row,) = rows_of("row_rule", parameters_of("row_rule"))
    assert row.but.keys() == {"frozen"} and "tied" in row.but["frozen"]
    (line,) = [line for line in composition.markdown().splitlines() if "`row_rule`" in line]
    assert "| yes, but [" in line
    assert "not always with   frozen: with frozen embeddings" in _page(
        described("row-rule", ENTRIES["row-rule"])
    )


def test_lethe_methods_lists_every_entry_in_a_line_and_names_no_more(capsys):
    assert main(["methods"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ENTRIES)
    assert all(len(line) < 230 for line in lines) and "families" in head


def test_lethe_methods_tells_all_about_those_that_are_named(capsys):
    assert main(["methods", "ewc", "kd-hidden"]) == 0
    said = capsys.readouterr().out
    assert (
        "strength = 5000.0" in said and "a fresh adapter" in said and "two float32 copies" in said
    )
    assert 'compare = "hidden"' in said and "decoder, encoder-decoder: " in said
    assert main(["methods", "ewcc"]) == 2
    assert "did you mean 'ewc'?" in capsys.readouterr().err
    assert main(["methods", "lora"]) == 2
    assert "'lora' is no method but says which parameters" in capsys.readouterr().err


def test_as_json_it_has_families_and_reasons_for_what_does_not_go(capsys):
    main(["methods", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() == ENTRIES.keys()
    assert rows["kd"]["families"] == list(FAMILIES) and rows["kd-hidden"]["families"] == ["masked"]
    for row in rows.values():
        assert row["what"] and row == described(row["name"], ENTRIES[row["name"]])
        refused = row["not_with"]
        assert not refused.keys() & {*row["families"], *row["parametrisations"]}
        ways = {*row["families"], *row["parametrisations"], *refused}
        assert ways == {*FAMILIES, *parametrisations()} and all(refused.values())


def test_lethe_methods_imports_no_torch():
    code = (
        "import sys; from lethe.cli import main; main(['methods']); print('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "False"


def test_every_method_has_a_section_with_what_its_file_says_and_all_entries_of_the_catalogue():
    raw = read_yaml(CATALOGUE / "methods.yaml")
    sections = dict(
        part.split("\n", 1) for part in methods.pages().removeprefix("## ").split("\n## ")
    )
    assert set(sections) == {entry["method"] for entry in raw.values()}
    for name, entry in raw.items():
        said = sections[entry["method"]]
        assert f"`{name}`" in said
        assert methods.as_markdown(methods.about(entry["method"])) in said


def test_text_of_a_file_is_shown_by_markdown_as_it_is():
    text = "L_a <b> *c* `d_e` [f](g)\n\n    h_i * j"
    shown = "L\\_a &lt;b> \\*c\\* `d_e` \\[f\\](g)\n\n    h_i * j"
    assert methods.as_markdown(text) == shown
