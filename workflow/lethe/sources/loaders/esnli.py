"""Exp: why two sentences entail or contradict each other or are unrelated (Camburu et al. 2018)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lethe.sources.loaders.registry import Form, Loader, is_blank, register
from lethe.sources.prompt_sets import PromptSet

# The phrasing of T0_continual_learning, configs/eSNLI.json, and its words for the labels.
PHRASING = (
    "Explain why the two following sentences [gold_label_prompt]: "
    '"Sentence 1: [Sentence1]"; Sentence 2: "[Sentence2]"'
)
RELATIONS = {
    "entailment": "entail each other",
    "contradiction": "do not entail each other",
    "neutral": "are unrelated",
}
# The hub's version has labels as numbers.
NUMBERED = {"0": "entailment", "1": "neutral", "2": "contradiction"}
EXPLANATIONS = ("response", "explanation_2", "explanation_3")


@register("esnli")
class ESnli(Loader):
    """Two sentences and their relation; the first explanation is the response to learn.

    Scialom et al. store an explanation as a list. `released_targets` reproduces the text that the
    authors' released code makes of it: the list as a string without its brackets, which remain if
    the explanation contains an apostrophe.
    """

    forms = {
        "label": Form("a relation, or its number", lambda v: isinstance(v, str | int | None)),
    }
    layouts = (
        {"Sentence1": "premise", "Sentence2": "hypothesis", "label": "label"}
        | dict(zip(EXPLANATIONS, ("explanation_1", "explanation_2", "explanation_3"), strict=True)),
        {"Sentence1": "Sentence1", "Sentence2": "Sentence2", "label": "gold_label"}
        | dict(zip(EXPLANATIONS, ("Explanation_1", "Explanation_2", "Explanation_3"), strict=True)),
        # The training files of the original have one explanation per pair.
        {"Sentence1": "Sentence1", "Sentence2": "Sentence2", "label": "gold_label"}
        | {"response": "Explanation_1"},
    )
    train_sets = {
        "explain_why": PromptSet((PHRASING,), ("gold_label_prompt", "Sentence1", "Sentence2"))
    }

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            label = NUMBERED.get(str(row["label"]), row["label"])
            if label not in RELATIONS:
                dropped["label is none of the three"] += 1
                continue
            explanations = [row[name] for name in EXPLANATIONS if not is_blank(row.get(name))]
            if any(is_blank(row[name]) for name in ("Sentence1", "Sentence2", "response")):
                dropped["a sentence or the explanation is empty or blank"] += 1
                continue
            yield {
                "Sentence1": row["Sentence1"],
                "Sentence2": row["Sentence2"],
                "gold_label_prompt": RELATIONS[label],
                "response": self._as_learned([row["response"]]),
                "references": explanations,
            }

    def target(self, response: Any) -> str:
        return self._as_learned(response if isinstance(response, list) else [response])

    def _as_learned(self, explanations: list[str]) -> str:
        if self.values["released_targets"]:
            return str(explanations).replace("['", "").replace("']", "")
        return explanations[0]
