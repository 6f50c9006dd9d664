"""Every YAML block of the manual and the README is a study that `lethe check` takes.

A block is laid over the default study, as a file of a user is. One that begins with `# as FILE` is
instead an excerpt of that file, which `test_shipped_studies.py` checks.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub.small_models import mt0_files

from lethe.artefacts.paths import PROJECT
from lethe.cli import main

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
BLOCKS = {
    f"{page.stem}-{number}": block
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```ya?ml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.M)
    )
}
EXCERPT = re.compile(r"# as (\S+)\n")
EXCERPTS = {name for name, block in BLOCKS.items() if EXCERPT.match(block)}
# What a user has of his own: the files that the blocks name.
TABLES = {
    "support_train.jsonl": '{"prompt": "a", "response": "b"}\n',
    "support_test.jsonl": '{"prompt": "c", "response": "d"}\n',
    "notes_train.jsonl": '{"prompt": "e", "response": "f"}\n',
    "notes_test.jsonl": '{"prompt": "g", "response": "h"}\n',
    "notes.jsonl": '{"prompt": "a", "response": "b"}\n',
    "prose.jsonl": '{"text": "A text."}\n',
    "my-texts.txt": "A text.\n",
    "wiki-auto/ACL2020/train.src": "A long sentence .\n",
    "wiki-auto/ACL2020/train.dst": "A sentence .\n",
    "my-tasks/items.jsonl": '{"question": "print", "choices": ["a", "b"], "gold": 0}\n',
    "my-tasks/print.yaml": """
task: python_print
dataset_path: json
dataset_kwargs: {data_files: {test: items.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list: [{metric: acc}]
""",
}


@pytest.fixture
def at_the_users(tmp_path, monkeypatch) -> Path:
    """A folder with the files that the blocks name, in which `lethe` is called."""
    for name, text in TABLES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    model = tmp_path / "path" / "to" / "folder"
    for name, content in mt0_files().items():
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(content)
    (model / "pytorch_model.bin").unlink()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", sorted(BLOCKS.keys() - EXCERPTS))
def test_a_block_is_a_right_study(name, at_the_users, capsys):
    (at_the_users / "my.yaml").write_text(BLOCKS[name], encoding="utf-8")
    status = main(["check", "my.yaml"])
    told = capsys.readouterr()
    assert (status, told.err) == (0, "")
    assert told.out.startswith("The configuration of study ")
    # What a newcomer copies first leaves no page empty.
    assert not name.startswith("README") or "Note" not in told.out


@pytest.mark.parametrize("name", sorted(EXCERPTS))
def test_an_excerpt_stands_in_the_file_that_it_names(name):
    file = PROJECT / EXCERPT.match(BLOCKS[name])[1]
    assert contains(yaml.safe_load(file.read_text(encoding="utf-8")), yaml.safe_load(BLOCKS[name]))


def contains(whole: Any, part: Any) -> bool:
    """Whether every key of the part is in the whole, with the same value."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], part[key]) for key in part)
    return whole == part
