"""Simp: sentences of Wikipedia and of Simple Wikipedia (WikiAuto, Jiang et al. 2020)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lethe.sources.loaders.registry import PairedText, is_blank, register
from lethe.sources.prompt_sets import PromptSet

# The phrasings of T0_continual_learning, configs/wiki_auto.json, "simplification_1".
_ABOVE = "[normal_sentence]\n\n===\n\nGiven the above text, "
PHRASINGS = (
    _ABOVE + "write it with, simpler words:",
    "[normal_sentence]\n\n===\n\nGiven this text, write it with, simpler words:",
    _ABOVE + "rewrite it so it is easier to understand:",
    _ABOVE + "rewrite it so it is easier to read:",
    _ABOVE + "reformulate it so it is easier to read:",
    _ABOVE + "reformulate it with simpler words:",
    'Make this text simpler: "[normal_sentence]"',
    'Reformulate this text with simpler words: "[normal_sentence]"',
    'Reformulate the following text with simpler words: "[normal_sentence]"',
    'Rewrite this text so it becomes easier to understand: "[normal_sentence]"',
    "Generate a text easier to understand, with similar content than this text: "
    '"[normal_sentence]"',
)


@register("wiki_auto")
class WikiAuto(PairedText):
    """A sentence to simplify, and its version in Simple Wikipedia.

    All rows are one split; `hold_out` sets which are held out (T0: all but the last 10,000 for
    training, the last 4,000 for testing).
    """

    layouts = (
        {"normal_sentence": "normal_sentence", "response": "simple_sentence"},
        {"normal_sentence": "source", "response": "target"},
    )
    line_columns = ("normal_sentence", "simple_sentence")
    train_sets = {"simplification_1": PromptSet(PHRASINGS, ("normal_sentence",))}
    process = "process_simp"
    max_new_tokens = 128

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if is_blank(row["normal_sentence"]) or is_blank(row["response"]):
                dropped["a side is empty or blank"] += 1
                continue
            yield {**row, "source": row["normal_sentence"]}

    def reread(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"source": values["normal_sentence"]}
