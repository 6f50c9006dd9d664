"""The manual builds into pages without a warning, and they ask the network for nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lethe.artefacts.paths import PROJECT

pytest.importorskip("mkdocs")
pytestmark = pytest.mark.slow

PAGES = {path.stem for path in (PROJECT / "docs").glob("*.md")}
ASKED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder of the pages, built as `make docs` does; a warning is an error.

    Of a project that is reached through a symbolic link, as homes on clusters are.
    """
    folder, project = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("links") / "project"
    project.symlink_to(PROJECT)
    told = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
        + ["--config-file", project / "mkdocs.yml"],
        cwd=PROJECT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
    return folder


def test_every_page_is_built(site):
    assert {path.stem for path in site.glob("*.html")} >= PAGES


def test_a_page_loads_nothing_from_the_network(site):
    assert not [page for page in site.rglob("*.html") if ASKED.search(page.read_text("utf-8"))]


def test_what_pages_link_to_outside_of_their_folder_is_in_the_site(site):
    results = (site / "results.html").read_text(encoding="utf-8")
    linked = re.findall(r'(?:src|href)="(project/[^"#]+)', results)
    assert linked and not [name for name in linked if not (site / name).is_file()]
