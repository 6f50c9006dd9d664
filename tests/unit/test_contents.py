"""What a source will hold is known before it is made, and agrees with what is made."""

from pathlib import Path

import pytest
import yaml
from generator_specs import generator_spec

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.contents import CHOICES, DOMAINS, GROUPS, evaluation_tasks, files_of, rows_of
from lethe.sources.domains import lexicon
from lethe.sources.domains.build import build_domains
from lethe.sources.world import bias, build, task_files
from lethe.sources.world.instruction import TASKS


def test_a_world_s_sets_and_metrics_are_those_of_the_yaml_that_it_writes():
    known = evaluation_tasks("world", "world", None, {"part": "world"}, {})
    rows = {"dev": [], "test": []}
    sets = dict.fromkeys([*CHOICES, bias.NAME], rows)
    files = build.evaluation_files(sets, dict.fromkeys(TASKS, rows))
    written = {}
    for name, text in files.items():
        if name.endswith(".yaml"):
            task = yaml.safe_load(text.replace("!function", "!!str"))
            metrics = tuple(entry["metric"] for entry in task["metric_list"])
            written[task["task"]] = (task["output_type"], metrics)
    assert written == known
    assert task_files.METRICS.keys() == TASKS.keys()


def test_the_domains_are_those_that_are_generated(tmp_path):
    assert sorted(DOMAINS) == sorted(lexicon.DOMAINS) and set(GROUPS) == set(lexicon.GROUPS)
    small = generator_spec(
        3, part="domains", corpus=60, texts=30, held_out=5, labelled=30, tested=12
    )
    build_domains(small, tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jsonl")}
    assert files_of("world", None, {"part": "domains"}, {}) == written
    assert evaluation_tasks("domains", "world", None, {"part": "domains"}, {}) == {}
    for domain in DOMAINS:
        file = f"domains/{domain}/train.jsonl"
        assert rows_of("world", small, file) == len(read_rows(tmp_path / file)) == 30


@pytest.mark.parametrize(
    ("loader", "parameters", "splits", "written"),
    [
        ("generic", {}, ["train"], {"train.jsonl"}),
        ("generic", {}, ["train.1", "train.2", "test"], {"train.jsonl", "test.jsonl"}),
        ("generic", {"hold_out": {"test": 5}}, ["train"], {"train.jsonl", "test.jsonl"}),
        ("text_lines", {"dev_percent": 5.0}, ["train"], {"train.jsonl", "dev.jsonl"}),
        ("absa", {}, ["train", "test"], {"train.jsonl", "dev.jsonl", "test.jsonl"}),
    ],
)
def test_local_files_become_a_file_of_each_split(loader, parameters, splits, written):
    files = {split: str(Path("a.jsonl")) for split in splits}
    assert files_of("files", loader, parameters, files) == written
    has_task = loader == "generic" and "test.jsonl" in written
    assert evaluation_tasks("mine", "files", loader, parameters, files).keys() == (
        {"own_mine"} if has_task else set()
    )
