"""What a reader finds first: links that lead somewhere, and a short README."""

import re
from pathlib import Path

import pytest

from lethe.artefacts.paths import PROJECT

FOLDERS = ("", "config", "config/published", "docs", "envs", "results", "results/reference")
PAGES = sorted(
    str(path.relative_to(PROJECT)) for folder in FOLDERS for path in (PROJECT / folder).glob("*.md")
)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_project_leads_to_a_file_and_a_heading(page):
    here = PROJECT / page
    text = FENCED.sub("", here.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if "://" not in link]
    for link in links:
        name, _, anchor = link.partition("#")
        target = (here.parent / name).resolve() if name else here
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_readme_has_at_most_900_words_and_one_figure():
    assert len(README.split()) <= 900
    assert README.count("![") == 1
