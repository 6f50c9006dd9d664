"""Labelled texts, as end tasks need them."""

from collections import Counter
from collections.abc import Iterator

from lethe.sources.loaders.registry import Loader, register


@register("labelled")
class Labelled(Loader):
    """The columns `text` and `label`; other names go into `parameters.columns`.

    Every row is kept, in the file's order; a label that is a number becomes text.
    """

    layouts = ({"text": "text", "label": "label"},)
    needed = ("train", "test")

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if not row["text"] or row["label"] in (None, ""):
                dropped["text or label is empty"] += 1
                continue
            yield {"text": str(row["text"]), "label": str(row["label"])}
