"""HGen: the headline for an article's first sentence, with a required word (Gigaword)."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.sources.loaders.registry import PairedText, is_blank, register
from lethe.sources.prompt_sets import ConstrainedPromptSet
from lethe.sources.reading import pair_lines

# The phrasings of T0_continual_learning, configs/gigaword.json; their spelling is kept.
_TITLE = "Make a title for this article"
_WORD = ' "[TO_REPLACE_1]": [document]'
START = (", starting with", " that starts with", ", begining with", " that begins with")
START += (" which begins with",)
CONTAIN = (", containing", " that contains", ", mentioning", " that mentions", ", including")
CONTAIN += (" that includes", " which includes", " with")
END = (", ending with", ",by ending with", " that ends with", ", finishing with")
END += (" that finishes with", " which ends with")
# Names of the splits in the hub's archive (data/ggw_data.zip).
STEMS = {"train": "train", "validation": "dev", "test": "test"}


def _constrained(kind: str, endings: tuple[str, ...]) -> ConstrainedPromptSet:
    phrasings = tuple(_TITLE + ending + _WORD for ending in endings)
    return ConstrainedPromptSet(phrasings, ("document", "TO_REPLACE_1"), kind)


@register("gigaword")
class Gigaword(PairedText):
    """Three prompts per article: the headline's first word, a word it contains, its last word."""

    layouts = ({"document": "document", "response": "summary"},)
    line_columns = ("document", "summary")
    train_sets = {
        "constrain_start+make_a_title": _constrained("first", START),
        "constrain_contain+make_a_title": _constrained("contained", CONTAIN),
        "constrain_end+make_a_title": _constrained("last", END),
    }
    process = "process_hgen"
    max_new_tokens = 32

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        files = parts.get("", [])
        if len(files) == 1 and files[0].suffix == ".zip":
            return self._zipped(split, files[0])
        return super().raw_rows(split, parts)

    def _zipped(self, split: str, archive: Path) -> Iterator[dict]:
        with zipfile.ZipFile(archive) as opened:
            names = []
            for kind in ("src", "tgt"):
                ending = f"{STEMS[split]}.{kind}.txt"
                fitting = [n for n in opened.namelist() if n.split("/")[-1] == ending]
                if len(fitting) != 1:
                    raise UserError(
                        f"{self.where}: {archive}: expected one file {ending} in the archive, "
                        f"found {', '.join(opened.namelist()[:8]) or 'none'}."
                    )
                names += fitting
            with opened.open(names[0]) as source, opened.open(names[1]) as target:
                lines = [
                    io.TextIOWrapper(stream, "utf-8", newline="\n") for stream in (source, target)
                ]
                what = f"{self.where}: {archive}: {names[0]} and {names[1]}"
                yield from pair_lines(*lines, self.line_columns, what)

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for number, row in enumerate(rows):
            if is_blank(row["document"]) or is_blank(row["response"]):
                dropped["article or headline is empty or blank"] += 1
                continue
            # Three prompts of one article are not independent.
            yield {**row, "source": row["document"], "cluster": f"article-{number}"}

    def reread(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"source": values["document"], "constraint": values["constraint"]}
