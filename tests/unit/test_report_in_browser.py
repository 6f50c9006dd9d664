"""The report in a browser: no error, nothing cut off on a screen or a telephone, keys, contrast."""

import re
from itertools import product

import pytest
from chromium import Chromium, needs_chromium
from report_case import ask, reported, two_methods

from lethe.artefacts.paths import PACKAGE
from lethe.report.page import page

STYLE = (PACKAGE / "report" / "report.css").read_text(encoding="utf-8")
TEXTS = ("ink", "soft", "accent", "warn")
GROUNDS = ("ground", "band", "tint", "warn-ground")
LEAST = 4.5
"""Of WCAG 2.2 for text of any size (level AA)."""
CUT_OFF = """[...document.querySelectorAll("body *")]
  .filter(e => !e.closest(".scroll, pre, svg, head") && e.getClientRects().length)
  .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map(e => e.tagName + " " + e.textContent.slice(0, 40))"""
OPEN = "for (const e of document.querySelectorAll('details')) e.open = true"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The report of two methods, one of which has a long name, with a long text."""
    scores, items = two_methods(other="replay-" + "of-everything-" * 4)
    folder = tmp_path_factory.mktemp("browser") / "small"
    source = reported(folder, scores, items)
    ask(folder, items, "know_nature", "Which of these? " + "x" * 300)
    path = folder / "report.html"
    path.write_bytes(page(source))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window_also_when_all_is_unfolded(browser, file, width):
    browser.show(file, width)
    for before in ("0", OPEN):
        browser.run(before)
        assert browser.run("innerWidth") == width
        root = "document.documentElement"
        assert browser.run(f"{root}.scrollWidth - {root}.clientWidth") == 0
        assert browser.run(CUT_OFF) == []
    assert browser.errors() == []


@needs_chromium
def test_what_is_folded_opens_by_keyboard(browser, file):
    browser.show(file, 1280)
    is_open = "document.activeElement.parentElement.open"
    for _ in range(60):
        browser.press("Tab")
        if browser.run("document.activeElement.tagName") == "SUMMARY":
            break
    assert browser.run(is_open) is False
    browser.press("Enter")
    assert browser.run(is_open) is True


@needs_chromium
def test_a_button_copies_the_table_or_else_selects_it(browser, file):
    browser.show(file, 1280)
    assert browser.run("[...document.querySelectorAll('button')].map(b => b.hidden)") == [False] * 2
    browser.run("document.querySelector('button').click()")
    # The clipboard answers later, and in a window that nobody looks at it may refuse.
    browser.run("new Promise(done => setTimeout(done, 300))")
    label = browser.run("document.querySelector('button').textContent")
    selected = browser.run("getSelection().toString().trim()")
    table = browser.run("document.getElementById('methods-LaTeX').textContent.trim()")
    assert label == "Copied" or (label.startswith("Selected") and selected == table)
    assert browser.errors() == []


@pytest.mark.parametrize(("text", "ground"), list(product(TEXTS, GROUNDS)))
def test_every_colour_of_text_is_readable_on_every_ground(text, ground):
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", STYLE))
    light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= LEAST


def test_all_text_has_one_of_these_colours():
    body = STYLE.partition("}")[2]
    colours = re.findall(r"(?<![-\w])color: ([^;}]+)", body)
    fills = re.findall(r"(?<![-\w])fill: ([^;}]+)", body)
    allowed = {f"var(--{name})" for name in TEXTS}
    assert set(colours) <= allowed and set(fills) - {"none"} <= allowed


def luminance(colour: str) -> float:
    """Relative luminance of a colour in sRGB, 0 to 1 (WCAG 2.2)."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(weight * s for weight, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
