"""What a reader finds first: links that lead somewhere, a short README, a study that works."""

import re
from pathlib import Path

import pytest

from lethe.artefacts.paths import PROJECT
from lethe.cli import main

PAGES = ["README.md", "CONTRIBUTING.md", "config/README.md", *sorted(
    str(path.relative_to(PROJECT)) for path in (PROJECT / "docs").glob("*.md")
)]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_project_leads_to_a_file_and_a_heading(page):
    here = PROJECT / page
    links = [link for link in LINK.findall(here.read_text(encoding="utf-8")) if "://" not in link]
    for link in links:
        name, _, anchor = link.partition("#")
        target = (here.parent / name).resolve() if name else here
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_readme_has_at_most_900_words_and_one_figure():
    assert len(README.split()) <= 900
    assert README.count("![") == 1


def test_the_study_that_the_readme_shows_is_right(tmp_path, monkeypatch, capsys):
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my.yaml").write_text(block, encoding="utf-8")
    for name in ("support", "notes"):
        (tmp_path / f"{name}.jsonl").write_text('{"prompt": "a", "response": "b"}\n')
    monkeypatch.chdir(tmp_path)
    assert main(["check", "my.yaml"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The configuration of study 'mine' is right") and "Note" not in said
