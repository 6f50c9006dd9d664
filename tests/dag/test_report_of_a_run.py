"""Every run ends with its report, which says what made it and leads to what lies beside it."""

import re

import pytest

pytestmark = pytest.mark.slow


def test_the_report_says_what_made_the_run_and_its_links_lead_to_files(project):
    folder = project.folder / "results" / "studies" / "nano"
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "lethe run config/test-nano.yaml" in text
    assert 'id="training"' in text and "torch" in text and str(project.folder) not in text
    links = set(re.findall(r'href="([^"#]+)"', text)) - {"data:,"}
    assert links and all((folder / link).is_file() for link in links)


def test_the_verb_writes_the_same_page_which_stays_done(project):
    page = project.folder / "results" / "studies" / "nano" / "report.html"
    made = page.read_bytes()
    done = project.lethe("report", "results/studies/nano")
    assert done.returncode == 0, done.stderr
    assert page.read_bytes() == made
    assert project.planned() == {}


def test_a_damaged_page_is_made_again_alone(project):
    page = project.folder / "results" / "studies" / "nano" / "report.html"
    page.write_text("cut")
    assert project.planned() == {"report": 1}
