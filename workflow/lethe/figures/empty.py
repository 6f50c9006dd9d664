"""The page of a figure that a study has nothing for."""

import textwrap

import pandas as pd

from lethe.figures.drawing import Drawn, Page


def empty(title: str, sentence: str) -> Drawn:
    """A page that says what is missing and how to select it."""
    page = Page(6.5, 0.85, "")
    page.text(0.2, 0.1, title, fontsize=11, weight="bold")
    page.text(0.2, 0.42, textwrap.fill(sentence, 95), fontsize=8.5, color="#444444")
    return Drawn(page.figure, pd.DataFrame({"missing": [sentence]}))
