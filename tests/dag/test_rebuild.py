"""What reruns after a change: exactly what depends on it, and nothing else."""

import json
import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

DOWNSTREAM = {
    "collect": 1, "summarize": 1, "questions": 1, "table": 6, "figure": 5, "claims": 1,
    "report": 1,
}  # fmt: skip


def test_a_finished_study_has_nothing_to_do(project):
    assert project.planned() == {}


def test_editing_the_code_of_a_figure_reruns_that_figure(project):
    project.edit("workflow/lethe/figures/matrix.py", "def draw(", "CHANGED = 1\n\n\ndef draw(")
    assert project.planned() == {"figure": 1}
    text = project.snakemake("--dry-run").stdout
    assert "studies/nano/figures/matrix.png" in text


def test_editing_the_code_of_a_table_reruns_that_table(project):
    project.edit("workflow/lethe/tables/bases.py", "def build(", "CHANGED = 1\n\n\ndef build(")
    assert project.planned() == {"table": 1}


def test_appending_a_task_runs_the_new_stage_and_what_depends_on_it(project):
    project.edit("config/test-nano.yaml", "[simp, hgen]", "[simp, hgen, exp]")
    assert project.planned() == {"stage": 1, "probe": 1, **DOWNSTREAM}


def test_adding_an_evaluation_task_scores_only_that_task(project):
    before = kept_scores(project)
    task = "        know_history: {axis: knowledge, metric: acc, chance: 0.25}\n"
    anchor = "        read_middle:"
    project.edit("config/test-nano.yaml", anchor, task + anchor)
    assert project.planned() == {"probe": 3, **DOWNSTREAM}
    project.snakemake("--until", "probe")
    after = kept_scores(project)
    assert before.items() <= after.items(), "a score that was kept has been made again"
    added = after.keys() - before.keys()
    assert len(added) == 3
    assert all(path.name.startswith("know_history-") for path in added)


def kept_scores(project):
    """Files of the score store with the time at which they were written."""
    store = project.folder / "results" / "scores" / "store"
    return {
        path.relative_to(project.folder): path.stat().st_mtime_ns for path in store.rglob("*.json")
    }


def test_a_hyper_parameter_makes_new_nodes_for_its_method_alone(project):
    """Two methods run; the second one's value changes; the first one's nodes are left alone."""
    method = "METHOD = Sequential\n"
    decaying = (
        "\n\nclass Decaying(Sequential):\n    def __init__(self, share):\n"
        "        self.share = share\n\n\nMETHOD = Decaying\n"
    )
    source = (project.folder / "workflow/lethe/methods/sequential.py").read_text()
    target = project.folder / "workflow/lethe/methods/decaying.py"
    target.write_text(source.replace(method, decaying))
    parameters = (
        "from lethe.methods.parameters.base import MethodParameters\n"
        "from lethe.parameters.entries import Share, parameter\n\n\n"
        "class DecayingParameters(MethodParameters):\n"
        '    share: Share = parameter(0.1, "a share")\n\n\nPARAMETERS = DecayingParameters\n'
    )
    (target.parent / "parameters" / target.name).write_text(parameters)
    entry = "decaying: {method: decaying, hyper: {share: 0.5}, source: none}\n"
    catalogue = project.folder / "config/catalogue/methods.yaml"
    catalogue.write_text(catalogue.read_text() + entry)
    project.edit("config/config.yaml", "methods: [sequential]", "methods: [sequential, decaying]")
    assert project.planned() == {"stage": 2, "probe": 2, **DOWNSTREAM}
    project.snakemake("--until", "probe")
    assert project.planned() == DOWNSTREAM
    project.edit("config/catalogue/methods.yaml", "share: 0.5", "share: 0.6")
    assert project.planned() == {"stage": 2, "probe": 2, **DOWNSTREAM}
    text = project.snakemake("--dry-run").stdout
    remade = re.findall(r"output: results/stages/(\S+)/stage.json", text)
    assert len(remade) == 2
    assert all("-decaying-" in node for node in remade)


def test_comments_docstrings_and_annotations_rerun_nothing(project):
    loop = "workflow/lethe/training/loop.py"
    project.edit(loop, '"""The only training loop', '"""The one and only training loop')
    project.edit(loop, "    optimizer.step()\n", "    # now\n    optimizer.step()\n")
    project.edit(loop, "warmup_steps(steps: int, recipe: dict)", "warmup_steps(steps, recipe)")
    assert project.planned() == {}


def test_a_change_in_a_module_that_training_imports_reruns_training(project):
    """`rows_of` is reached from a stage through mixtures, batches and the loop."""
    project.edit("workflow/lethe/data/batches.py", "room.append(width", "room.append(0 + width")
    planned = project.planned()
    assert planned["base"] == 1
    assert planned["stage"] == 2
    assert planned["probe"] == 3
    assert "data" not in planned


def test_code_changes_keep_reuses_what_other_code_made(project):
    project.edit("config/config.yaml", "code_changes: rerun", "code_changes: keep")
    project.snakemake()
    project.edit("workflow/lethe/data/batches.py", "room.append(width", "room.append(0 + width")
    assert project.planned() == {}


def test_results_without_snakemakes_own_records_are_still_right(project, tmp_path):
    """A copy of results/ on another machine is as good as the original."""
    subprocess.run(["rm", "-rf", str(project.folder / ".snakemake")], check=True)
    assert project.planned() == {}


def test_a_mistake_in_the_configuration_is_one_sentence_from_snakemake_too(project):
    project.edit("config/test-nano.yaml", "probes: [nano]", "probes: [nanno]")
    by_snakemake = project.snakemake("--dry-run", check=False)
    by_check = project.lethe("check", "--configfile", "config/test-nano.yaml")
    assert by_snakemake.returncode != 0
    assert "Traceback" not in by_snakemake.stdout + by_snakemake.stderr
    assert by_check.returncode == 2
    sentence = by_check.stderr.strip()
    assert "did you mean 'nano'?" in sentence
    assert sentence in by_snakemake.stdout + by_snakemake.stderr


def test_an_altered_checkpoint_is_refused_and_what_was_scored_stays(project):
    results = project.folder / "results"
    scores = (results / "studies" / "nano" / "scores.csv").read_bytes()
    stage = next((results / "stages").glob("*-s1-*"))
    weights = stage / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    node = next_node(project, stage.name)
    shutil.rmtree(results / "stages" / node)
    done = project.lethe("stage", node)
    assert done.returncode == 2
    assert "model.safetensors" in done.stderr and "run again to make it again" in done.stderr
    assert "Traceback" not in done.stderr
    project.snakemake()
    assert (results / "studies" / "nano" / "scores.csv").read_bytes() == scores


def next_node(project, parent):
    """The stage trained from `parent`."""
    for path in (project.folder / "results" / "specs").glob("*-s2-*.json"):
        if json.loads(path.read_text()).get("parent") == parent:
            return path.stem
    raise AssertionError(f"nothing descends from {parent}")


def test_status_show_and_diff_tell_of_the_finished_study(project):
    status = project.lethe("status", "--configfile", "config/test-nano.yaml")
    assert "# # #" in status.stdout
    stages = sorted(path.name for path in (project.folder / "results" / "stages").iterdir())
    first, second = (name for mark in ("-s1-", "-s2-") for name in stages if mark in name)
    shown = project.lethe("show", second)
    assert shown.stdout.index(first) < shown.stdout.index(f"stage {second}")
    assert '"learning_rate": 0.001' in shown.stdout
    differing = project.lethe("diff", first, second)
    assert f"+ {second}" in differing.stdout
    assert "mixture[0].task: 'simp' -> 'hgen'" in differing.stdout
    assert "train_seed" not in differing.stdout


def test_configuration_mistakes_are_found_before_torch_is_imported(project):
    """The loaded modules tell, not the clock."""
    program = (
        "import sys\nfrom lethe.cli import main\n"
        "status = main(['check', '--config', 'models=[xss]'])\n"
        "heavy = {'torch', 'transformers', 'datasets', 'lm_eval', 'pandas'} & set(sys.modules)\n"
        "print(status, sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder / "workflow",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "2 []"
    assert "did you mean 'xs'?" in done.stderr


def test_a_named_file_is_made_also_where_what_it_needs_is_altered_or_was_never_made(project):
    results = project.folder / "results"
    for kind in ("stages", "scores", "studies"):
        shutil.rmtree(results / kind)
    for manifest in (*results.glob("data/*/data.json"), *results.glob("bases/*/base.json")):
        manifest.write_text("{")
    made = project.planned("results/studies/nano/scores.csv")
    assert made == {"data": 1, "base": 1, "stage": 2, "probe": 3, "collect": 1}
