"""A file of a source lies inside it: any other path is refused by `lethe check` and by the job."""

import pytest
from small_nodes import make_nodes, stage_spec

from lethe.artefacts.manifests import is_inside
from lethe.cli import main
from lethe.data.mixtures import load_mixture
from lethe.endtasks.results import end_task_results
from lethe.errors import UserError

OUTSIDE = ("../../x.jsonl", "/etc/passwd", "a/../../x", "a/..", "..", ".", "")
BUILT = "family: causal, source: world, architecture: llama, recipe: pretrain-xs"
LABELLED = "source: domains, task: restaurant, metric: accuracy, epochs: 1"
PLACES = {
    "models.mine.corpus, entry 1": "models: {mine: {" + BUILT + ", corpus: ['%s']}}",
    "tasks.mine.file": "tasks: {mine: {source: world, file: '%s'}}",
    "end_tasks.mine.train": "end_tasks: {mine: {" + LABELLED + ", train: '%s'}}",
    "end_tasks.mine.dev": "end_tasks: {mine: {" + LABELLED + ", dev: '%s'}}",
    "end_tasks.mine.test": "end_tasks: {mine: {" + LABELLED + ", test: '%s'}}",
    "probes.mine.tasks.a.texts": "probes: {mine: {source: domains, tasks: "
    "{a: {axis: domain, metric: mlm_loss, texts: '%s'}}}}",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_path_that_leads_out_of_its_source_is_refused(place, tmp_path, capsys):
    for path in OUTSIDE:
        study = tmp_path / "study.yaml"
        study.write_text("define: {" + PLACES[place] % path + "}\n")
        assert main(["check", "--configfile", str(study)]) == 2
        said = capsys.readouterr().err
        assert f"{place} in the configuration: expected a path inside its source" in said


def test_a_path_inside_may_have_folders_and_dots_in_its_names():
    assert all(map(is_inside, ("a", "a/b.jsonl", "./a", "a..b", "..a", "a/.b", "~", "a\\..\\b")))


@pytest.mark.parametrize("path", ["../data/one.jsonl", "/etc/hostname", "x/../../data/one.jsonl"])
def test_jobs_refuse_a_spec_that_reads_outside_of_its_data(tmp_path, path):
    make_nodes(tmp_path)
    data = tmp_path / "data" / "data"
    mixture = [{**stage_spec()["mixture"][0], "file": path}]
    with pytest.raises(UserError, match="expected the name of a file inside it"):
        load_mixture(mixture, {"data": data}, None, 24, 0)
    spec = {"train": "one.jsonl", "dev": None, "test": path}
    with pytest.raises(UserError, match="expected the name of a file inside it"):
        end_task_results(tmp_path, {}, spec, data, tmp_path, tmp_path, 60.0)
