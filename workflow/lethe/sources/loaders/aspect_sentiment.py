"""Aspect sentiment: what a review's sentence says about one of its terms.

The format is that of the training files of Ke et al. 2023: SemEval-2014 for restaurants, the
product reviews of Hu and Liu for phones and cameras.
"""

from collections import Counter
from collections.abc import Iterator

from lethe.sources.loaders.labelled import Ruled
from lethe.sources.loaders.registry import is_blank, register

POLARITIES = {
    "positive": "positive",
    "neutral": "neutral",
    "negative": "negative",
    "+": "positive",
    "-": "negative",
}


@register("absa")
class AspectSentiment(Ruled):
    """Sentence, term and polarity; the text is term, separator and sentence, joined by blanks."""

    layouts = (
        {"sentence": "sentence", "term": "term", "polarity": "polarity"},
        {"sentence": "sentence", "term": "aspect", "polarity": "polarity"},
    )

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if is_blank(row["sentence"]) or is_blank(row["term"]):
                dropped["sentence or term is empty or blank"] += 1
                continue
            if row["polarity"] not in POLARITIES:
                dropped["polarity is none of the three"] += 1
                continue
            text = f"{row['term']} {self.values['separator']} {row['sentence']}"
            yield {"text": text, "label": POLARITIES[row["polarity"]]}
