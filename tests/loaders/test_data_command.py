"""From a source's spec to data that a stage trains on and a probe tests, through the commands."""

import json
import shutil
from pathlib import Path

import evaluation_world as world
import pytest
from node_specs import write_spec
from raw_tables import KEYS, TABLES, Roads
from test_loaders import rows, spec_of

from lethe.artefacts.files import sha256_file, write_json
from lethe.artefacts.manifests import publish, verify
from lethe.artefacts.nodes import read_results
from lethe.artefacts.paths import MANIFEST, fetched_files, node_directory, spec_file
from lethe.cli import main
from lethe.config.reading import parse_study, read_catalogue, read_study, read_yaml
from lethe.data.mixtures import load_mixture
from lethe.errors import UserError
from lethe.planning.data import add_data
from lethe.planning.nodes import Plan
from lethe.sources.loaders.parameters import LOADERS as PARAMETERS
from lethe.sources.loaders.registry import LOADERS
from lethe.sources.parameters import source_parameters


def planned(name: str, roads: Roads, hub: bool, results: Path) -> str:
    """The id of a source's data node, planned as a study plans it; fetched files are in place."""
    own = {"kind": "hub", "repo": "someone/data"} if hub else {"kind": "files"}
    own |= {"loader": name, "parameters": dict(roads.parameters)}
    if not hub:
        own["parameters"].pop("splits", None)
        own["files"] = {key: str(path) for key, path in roads.local.items()}
    raw = {**read_yaml(Path("config/config.yaml")), "define": {"sources": {"mine": own}}}
    catalogue = read_catalogue(parse_study(raw))
    plan = Plan()
    node = add_data(plan, catalogue, "mine", None)
    write_json(spec_file(results, node.id), node.spec)
    if hub:
        place = fetched_files(results, node.spec["fetched"])
        if not place.exists():
            shutil.copytree(roads.hub, place)
        files = [f"files/{p.relative_to(place)}" for p in place.rglob("*") if p.is_file()]
        publish(place.parent, MANIFEST["fetched"], {"repo": "someone/data"}, files)
    return node.id


@pytest.fixture(scope="module")
def roads(tmp_path_factory):
    return {name: table(tmp_path_factory.mktemp(name)) for name, table in TABLES.items()}


@pytest.mark.parametrize("name", LOADERS)
def test_the_command_makes_the_same_node_of_either_road(name, roads, tmp_path):
    contents = []
    for hub in (True, False):
        node = planned(name, roads[name], hub, tmp_path)
        main(["data", node, "--results", str(tmp_path)])
        folder = node_directory(tmp_path, "data", node)
        manifest = verify(folder, "data.json")
        assert manifest["rows"]["train"]["read"] > 0
        contents.append({file: entry["sha256"] for file, entry in manifest["files"].items()})
    assert contents[0] == contents[1]


def test_a_local_file_that_changed_after_planning_is_refused(roads, tmp_path):
    copied = shutil.copy(roads["alpaca"].local["train"], tmp_path / "alpaca.json")
    node = planned("alpaca", Roads(tmp_path, {"train": Path(copied)}), False, tmp_path)
    Path(copied).write_text("[]")
    spec = json.loads(spec_file(tmp_path, node).read_text())
    assert spec["files"]["train"]["sha256"] != sha256_file(copied)
    assert main(["data", node, "--results", str(tmp_path)]) != 0
    assert not (node_directory(tmp_path, "data", node) / "data.json").exists()


def test_rows_without_an_example_are_in_the_log_with_their_numbers_and_why(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("prompt,response\na,b\nc,\n" + "d, \n" * 4)
    node = planned("generic", Roads(tmp_path, {"train": path}), False, tmp_path)
    main(["data", node, "--results", str(tmp_path)])
    said = "5 of 6 rows give no example and are left out (5 prompt or response is empty or blank: "
    assert f"train      {said}rows 2, 3, 4, …)\n" in capsys.readouterr().out


def test_a_stage_reads_prompts_and_responses_without_a_blank_between(roads, tmp_path):
    node = planned("generic", roads["generic"], False, tmp_path)
    main(["data", node, "--results", str(tmp_path)])
    folder = node_directory(tmp_path, "data", node)
    tokenizer = world.write_tokenizer(tmp_path / "tokenizer")
    component = {"task": "mine", "data": node, "file": "train.jsonl", "template": "{prompt}"}
    component |= {"delimiter": "", "count": 5, "draw": 0}
    examples = load_mixture([component], {node: folder}, tokenizer, 64, 0)
    assert len(examples) == 5 and all(example.label_count > 1 for example in examples)
    with pytest.raises(UserError, match="asks for 10000 examples of task 'mine', which has 24"):
        load_mixture([component | {"count": 10_000}], {node: folder}, tokenizer, 64, 0)


@pytest.mark.parametrize("name", sorted(LOADERS.keys() - KEYS.keys() - {"alpaca"}))
def test_what_was_learned_is_scored_with_the_loaders_metrics(name, roads, tmp_path):
    from lethe.evaluation.harness import score_checkpoint
    from lethe.evaluation.specification import EvalTask
    from lethe.sources.prepare import prepare

    prepare(spec_of(name, roads[name], True, test_count=3), tmp_path / "data", roads[name].hub)
    world.write_checkpoint(tmp_path / "checkpoint")
    task = EvalTask(f"own_{name}", str(tmp_path / "data" / "eval"), axis="own")
    (result,) = score_checkpoint(tmp_path / "checkpoint", "0" * 64, [task], tmp_path / "store")
    metrics = {row["metric"] for row in result["scores"]}
    assert set(PARAMETERS[name].metrics) <= metrics
    assert result["n"] == len(rows(tmp_path / "data" / "test.jsonl")) > 0


def test_the_right_answers_score_best_on_every_own_task(roads, tmp_path):
    from lethe.evaluation import text_metrics
    from lethe.sources.prepare import prepare

    for name in ("wiki_auto", "esnli", "gigaword", "eli5", "empathetic_dialogues"):
        prepare(spec_of(name, roads[name], True), tmp_path / name, roads[name].hub)
        process = getattr(text_metrics, LOADERS[name].process)
        for doc in rows(tmp_path / name / "test.jsonl"):
            assert process(doc, [doc["references"][0]])["exact_match"] == 1.0


def test_the_paper_s_tasks_agree_with_their_sources_and_probes():
    catalogue = read_catalogue(read_study())
    own = catalogue.probes["luo2023-own"].tasks
    for name in catalogue.orders["luo2023"]:
        task, source = catalogue.tasks[name], catalogue.sources[name]
        assert (task.source, task.own, task.template) == (name, f"own_{name}", "{prompt}")
        assert task.delimiter == source.parameters["delimiter"] == ""
        assert source.parameters["wrapper"] == "luo2023" and source.parameters["count"] == 100_000
        assert own[task.own].source == name
        assert own[task.own].metric == PARAMETERS[source.loader].metrics[0]


@pytest.mark.parametrize("name", ["Simp", "Emdg", "InqQG", "Exp", "HGen", "alpaca"])
def test_the_catalogue_s_parameters_fit_the_files_of_the_real_repository(name, roads, tmp_path):
    from lethe.sources.prepare import prepare

    source = read_catalogue(read_study()).sources[name]
    hub = roads[source.loader].hub
    given = dict(source.parameters)
    if "hold_out" in given:
        given["hold_out"] = {"validation": 2, "test": 2}
    parameters = source_parameters(f"sources.{name}", source.kind, source.loader, given)
    for pattern in source.include:
        assert list(hub.glob(pattern)), f"{pattern} fits none of the files"
    spec = {"name": name, "loader": source.loader, "parameters": parameters, "subset": None}
    facts = prepare(spec, tmp_path, hub)
    assert set(facts["rows"]) == (
        {"train"} if name == "alpaca" else {"train", "validation", "test"}
    )
    assert all(rows["read"] > 0 for rows in facts["rows"].values())


def test_a_probe_scores_a_fetched_dataset_and_a_prepared_source_in_one_load(roads, tmp_path):
    import evaluation_tables

    own = planned("esnli", roads["esnli"], True, tmp_path)
    main(["data", own, "--results", str(tmp_path)])
    repository = node_directory(tmp_path, "fetched", "piqa-0")
    evaluation_tables.piqa(repository / "files")
    files = [str(p.relative_to(repository)) for p in repository.rglob("*") if p.is_file()]
    publish(repository, MANIFEST["fetched"], {"repo": "baber/piqa"}, files)
    base = node_directory(tmp_path, "base", "tiny-0")
    world.write_checkpoint(base)
    files = [path.name for path in base.iterdir()]
    publish(base, "base.json", {"parameters": 1}, files)
    entry = {"shots": 0, "cluster": None, "subset": None, "chance": None}
    tasks = [
        {
            "name": "piqa",
            "axis": "reasoning",
            "metric": "acc",
            "data": "piqa-0",
            "data_kind": "fetched",
            **entry,
        },
        {
            "name": "own_mine",
            "axis": "own",
            "metric": "bleu",
            "data": own,
            "data_kind": "data",
            **entry,
        },
    ]
    spec = {"kind": "probe", "checkpoint": "tiny-0", "checkpoint_kind": "base", "probe": "both"}
    spec |= {"include": None, "split": "test", "limit": 3, "engine": "stock", "dtype": "float32"}
    spec["tasks"] = [{"axis": "own", **task, **entry} for task in tasks]
    node = write_spec(tmp_path, "probe", spec)
    main(["probe", node, "--results", str(tmp_path)])
    found = read_results(tmp_path, "probe", node)["results"]
    assert [(result["task"], result["n"]) for result in found] == [("piqa", 3), ("own_mine", 3)]


def test_two_probes_of_one_checkpoint_run_beside_each_other_and_one_probe_runs_once(
    tmp_path, monkeypatch
):
    base = node_directory(tmp_path, "base", "tiny-0")
    world.write_checkpoint(base)
    publish(base, "base.json", {"parameters": 1}, [path.name for path in base.iterdir()])
    spec = {"kind": "probe", "checkpoint": "tiny-0", "checkpoint_kind": "base", "tasks": []}
    spec |= {"split": "test", "limit": 3, "engine": "stock", "dtype": "float32"}
    first, second = (write_spec(tmp_path, slug, spec) for slug in ("first", "second"))
    statuses = {}

    def start_both_in_the_midst(*arguments, **named) -> list:
        if not statuses:
            for node in (first, second):
                statuses[node] = 1
                statuses[node] = main(["probe", node, "--results", str(tmp_path)])
        return []

    monkeypatch.setattr("lethe.commands.probe.score_checkpoint", start_both_in_the_midst)
    assert main(["probe", first, "--results", str(tmp_path)]) == 0
    assert statuses == {first: 2, second: 0}
