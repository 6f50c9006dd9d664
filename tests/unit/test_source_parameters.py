"""Parameters of data sources: typed, refused in a sentence, whole in the spec of their data."""

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from node_specs import write_spec
from pydantic import TypeAdapter

from lethe.artefacts.files import write_json
from lethe.cli import main
from lethe.config.catalogue import Catalogue
from lethe.config.references import check_references
from lethe.errors import UserError
from lethe.parameters.entries import Parameters, resolved
from lethe.planning.data import add_data
from lethe.planning.nodes import Plan
from lethe.sources.domains.parameters import DomainsParameters
from lethe.sources.loaders.parameters import LOADERS, SHARED
from lethe.sources.parameters import GENERATORS, source_parameters

KINDS = {**GENERATORS, **LOADERS}


def leaves(kind: type[Parameters], prefix: tuple[str, ...] = ()):
    """(place, field) of every parameter that is no group of others."""
    for name, field in kind.model_fields.items():
        if isinstance(field.default, Parameters):
            yield from leaves(type(field.default), (*prefix, name))
        else:
            yield (*prefix, name), field


def nested(place: tuple[str, ...], value) -> dict:
    for name in reversed(place):
        value = {name: value}
    return value


def source_of(name: str, **parameters) -> dict:
    """A catalogue entry with the generator or loader of a name."""
    if name in GENERATORS:
        return {"kind": "world", "parameters": {"part": name, **parameters}}
    return {"kind": "hub", "repo": "a/b", "loader": name, "parameters": parameters}


def catalogue_with(**source) -> Catalogue:
    """A catalogue with one source, checked as a study's is."""
    catalogue = Catalogue.model_validate({"sources": {"mine": source}})
    check_references(catalogue)
    return catalogue


def node_of(**source):
    return add_data(Plan(), catalogue_with(**source), "mine", 7)


@pytest.mark.parametrize("kind", [*KINDS.values(), *SHARED], ids=lambda kind: kind.__name__)
def test_every_parameter_says_what_it_is_where_its_default_is_from_and_is_within_bounds(kind):
    assert "title" in vars(kind)
    for place, field in leaves(kind):
        assert field.description and field.json_schema_extra["source"], place
        TypeAdapter(field.annotation).validate_python(field.default)
    # Validated, the defaults are what they were: 5 is not 5.0.
    whole = resolved(kind())
    if kind not in SHARED:
        assert json.dumps(resolved(kind.model_validate(whole))) == json.dumps(whole)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_a_group_of_parameters_has_the_same_defaults_whether_some_of_it_is_given_or_none(kind):
    def groups(kind, prefix=()):
        for name, field in kind.model_fields.items():
            if isinstance(field.default, Parameters):
                yield (*prefix, name)
                yield from groups(type(field.default), (*prefix, name))

    for place in groups(kind):
        assert kind.model_validate(nested(place, {})) == kind(), place


def test_a_loader_has_parameters_if_and_only_if_it_is_registered():
    import lethe.sources.prepare  # noqa: F401  (registers every loader)
    from lethe.sources.loaders.registry import LOADERS as REGISTERED

    assert LOADERS.keys() == REGISTERED.keys()
    for name, kind in LOADERS.items():
        loader = REGISTERED[name]
        read = set().union(*loader.layouts)
        assert read <= set(kind.own_columns) <= read | {"id", "cluster"}, name
        assert loader.ruled == ("split" in kind.model_fields), name
        if not loader.ruled:
            sets = tuple(len(loader("", {}).prompt_sets(split)) for split in ("train", "test"))
            assert kind.prompts == sets, name


def test_the_rules_of_splits_are_those_that_there_are():
    from lethe.sources.ruled_splits import KE2023

    rules, _ = get_args(LOADERS["absa"].model_fields["split"].annotation)
    assert set(get_args(rules)) == KE2023.keys()


def changed(value):
    """Another value that is near, of the same type; a number for none."""
    if value is None:
        return 9
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 0.05
    return f"{value}{{prompt}}"


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_parameter_is_another_id_and_a_default_that_is_written_out_is_not(name):
    before = node_of(**source_of(name))
    given = {"split": "phone", "splits": "data/*.parquet", "columns": {"text": "body"}}
    given |= {"stems": 18}
    for place, field in leaves(KINDS[name]):
        if place == ("part",) or (place == ("columns",) and "text" not in KINDS[name].own_columns):
            continue
        same = node_of(**source_of(name, **nested(place, field.default)))
        assert same == before, place
        value = given.get(place[0], changed(field.default))
        assert node_of(**source_of(name, **nested(place, value))).id != before.id, place


def test_a_changed_default_is_another_id(monkeypatch):
    entry = source_of("domains")
    before = node_of(**entry).id

    class Changed(DomainsParameters):
        stems: int = 18

    monkeypatch.setitem(GENERATORS, "domains", Changed)
    assert node_of(**entry).id != before


@pytest.mark.parametrize("name", KINDS)
def test_the_spec_of_data_holds_every_parameter_and_is_read_back_as_it_was(name, tmp_path):
    spec = node_of(**source_of(name)).spec
    found = spec if name in GENERATORS else spec["parameters"]
    whole = resolved(KINDS[name]())
    assert whole.items() <= found.items()
    write_json(tmp_path / "spec.json", spec)
    assert json.loads((tmp_path / "spec.json").read_text()) == spec


WRONG = [
    ("world", {"items": {"taskss": {}}}, "items.taskss .*no such key; did you mean 'tasks'"),
    ("world", {"items": {"tasks": {"trian": 5}}}, "items.tasks.trian .*did you mean 'train'"),
    ("world", {"items": {"tasks": {"train": "many"}}}, "items.tasks.train .*found 'many'"),
    ("world", {"items": {"tasks": {"train": 0}}}, "items.tasks.train .*found 0"),
    ("world", {"items": {"tasks": {"train": True}}}, "items.tasks.train .*found [Tt]rue"),
    ("world", {"items": {"tasks": {"train": 5.5}}}, "items.tasks.train .*found 5.5"),
    ("world", {"items": {"tasks": {"train": {"a": 1}}}}, "items.tasks.train .*found {'a': 1}"),
    ("world", {"items": {"tasks": 5}}, "items.tasks .*found 5"),
    ("world", {"items": {"tasks": None}}, "items.tasks .*found (None|null)"),
    ("world", {"items": {"tasks": {"train": 700}}}, "items.tasks.*at most 720 .*found 800"),
    ("world", {"items": {"reading": {"test": 9000}}}, "items.reading.*at most 4320 .*found 9080"),
    ("world", {"items": {"reasoning": {"test": 991}}}, "`items.reasoning.test` of at most 990"),
    ("world", {"items": {"reasoning": {"dev": 4790}}}, "items.reasoning.*at most 4800 together"),
    ("world", {"documents": {"plain_share": 1.5}}, "documents.plain_share .*found 1.5"),
    ("world", {"documents": {"plain_share": float("nan")}}, "documents.plain_share .*found nan"),
    ("world", {"documents": {"tool": -1}}, "documents.tool .*found -1"),
    ("world", {"documents": {"dev": 10**6}}, "documents.*fewer .*`dev` than the 67600"),
    ("world", {"knowledge": {"zipf_shift": 0}}, "knowledge.zipf_shift .*found 0"),
    ("world", {"knowledge": {"entities": 9}}, "knowledge.entities .*found 9"),
    ("world", {"property": {"creatures": 3}}, "property.creatures .*found 3"),
    ("world", {"story": {"held_out_share": 1}}, "story.held_out_share .*found 1"),
    ("world", {"arithmetic": {"unseen_share": 1.0}}, "arithmetic.unseen_share .*found 1.0"),
    ("world", {"bias": {"rate_spread": -0.1}}, "bias.rate_spread .*found -0.1"),
    ("world", {"seed": 3}, "seed .*no such key"),
    ("world", {"part": "dommains"}, "parameters.part: 'dommains' .*did you mean 'domains'"),
    ("world", {"part": ["domains"]}, "parameters.part: .*is not known"),
    ("world", {"words": 48}, "words .*no such key"),
    ("domains", {"stems": 10}, "`stems` that is a multiple of 6.*found 10"),
    ("domains", {"agreed": 10}, "`agreed` and `contradicted` .*at most 4 of a class.*found 5"),
    ("domains", {"suffixes": 25}, "suffixes .*found 25"),
    ("domains", {"evidence_share": 1.5}, "evidence_share .*found 1.5"),
    ("domains", {"held_out": 5000}, "`held_out` of at most 576.*found 5000"),
    ("domains", {"tested": 289}, "`tested` of at most 288.*found 289"),
    ("domains", {"labelled": 1153}, "`labelled` of at most 1152.*found 1153"),
    ("domains", {"general_stems": 0}, "general_stems .*found 0"),
    ("domains", {"sise": 3}, "sise .*no such key"),
    ("wiki_auto", {"bare": True}, "bare .*no such key"),
    ("alpaca", {"separator": " "}, "separator .*no such key"),
    ("citation_intent", {"count": 5}, "count .*no such key"),
    ("citation_intent", {"split": "acl"}, "split .*'aclarc'.*found 'acl'"),
    ("labelled", {"wrapper": "luo2023"}, "wrapper .*no such key"),
    ("gigaword", {"count": 2}, "count .*at least 3, one for each prompt set, found 2"),
    ("eli5", {"count": 0}, "count .*found 0"),
    ("alpaca", {"colums": {}}, "colums .*did you mean 'columns'"),
    ("alpaca", {"columns": {"reply": "output"}}, "columns .*instruction, input, response, .*reply"),
    ("alpaca", {"wrapper": "lou2023"}, "wrapper .*none, luo2023, .*{prompt}, found 'lou2023'"),
    ("alpaca", {"wrapper": "{prompt} {prompt}"}, "wrapper .*holds one {prompt}, found"),
    ("wiki_auto", {"hold_out": {"dev": 5}}, "hold_out.dev .*no such key"),
    ("wiki_auto", {"hold_out": {"test": 0}}, "hold_out.test .*found 0"),
    ("wiki_auto", {"splits": {"train": "/data/*"}}, "splits.train.*within the repository"),
    ("wiki_auto", {"splits": {"train": "a/**b"}}, "splits.train.*within the repository"),
    ("wiki_auto", {"splits": {"train": []}}, "splits.train .*"),
    ("text_lines", {"dev_percent": 100}, "dev_percent .*found 100"),
]


@pytest.mark.parametrize(("name", "parameters", "sentence"), WRONG, ids=str)
def test_a_wrong_parameter_is_one_sentence_before_anything_runs(name, parameters, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        catalogue_with(**source_of(name, **parameters))
    text = str(caught.value)
    assert "sources.mine.parameters" in text and "\n" not in text


def test_parameters_need_a_generator_or_a_loader_that_has_them():
    with pytest.raises(UserError, match="sources.mine.parameters: expected a `loader`.*count"):
        catalogue_with(kind="hub", repo="a/b", parameters={"count": 3})
    with pytest.raises(UserError, match="sources.mine.loader: expected none .*'alpaca'"):
        catalogue_with(kind="world", loader="alpaca")
    with pytest.raises(UserError, match="sources.mine.loader: 'wiki_atuo' .*'wiki_auto'"):
        catalogue_with(kind="hub", repo="a/b", loader="wiki_atuo")


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES |= st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(max_size=3), st.integers())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.data(), VALUES)
def test_any_value_of_any_parameter_is_accepted_or_explained(name, data, value):
    place, _ = data.draw(st.sampled_from(list(leaves(KINDS[name]))))
    cut = data.draw(st.integers(1, len(place)))
    source = source_of(name)
    parameters = {**source["parameters"], **nested(place[:cut], value)}
    try:
        whole = source_parameters("sources.x", source["kind"], source.get("loader"), parameters)
    except UserError as error:
        assert "sources.x.parameters" in str(error) and "pydantic" not in str(error)
    else:
        json.dumps(whole, allow_nan=False)


@pytest.mark.parametrize("name", KINDS)
def test_a_spec_without_all_its_parameters_is_refused_by_the_job(name, tmp_path, capsys):
    spec = dict(node_of(**source_of(name)).spec)
    if name in GENERATORS:
        del spec["items" if name == "world" else "stems"]
    else:
        spec["parameters"] = {}
    node = write_spec(tmp_path, "old", spec)
    assert main(["data", node, "--results", str(tmp_path)]) != 0
    assert f"the spec of {node} lacks parameters" in capsys.readouterr().err


def test_the_check_of_a_study_names_the_key_and_what_was_found(tmp_path, capsys):
    study = tmp_path / "study.yaml"
    wrong = {"kind": "world", "parameters": {"items": {"tasks": {"trian": 5}}}}
    study.write_text(json.dumps({"define": {"sources": {"mine": wrong}}}))
    assert main(["check", "--configfile", str(study)]) != 0
    said = capsys.readouterr().err
    assert "items.tasks.trian in sources.mine.parameters" in said and "'train'" in said
