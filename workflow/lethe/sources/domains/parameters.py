"""Every size and share of the generated domains. Their seed is the study's."""

from typing import Literal

from pydantic import model_validator

from lethe.parameters.entries import Number, Parameters, Share, parameter

CLASSES = 3
# Sentences that one invented word allows: templates, topics, pairs of evidence. A test counts them.
SENTENCES = 288
MOST_TEXTS = 10_000_000
# Names are drawn until they differ; there are 54,600, and at most eight times this are needed.
MOST_WORDS = 3_000


class DomainsParameters(Parameters):
    """Six generated domains in two groups, with end tasks."""

    title = "the domains"

    part: Literal["domains"] = parameter("domains", "which generator")
    words: int = parameter(48, "invented words of a domain", gt=0, le=MOST_WORDS)
    # With 24 words, one base in two did not learn them all.
    general_words: int = parameter(
        12, "invented words of the general corpus, for each group", gt=0, le=MOST_WORDS
    )
    agreed_share: Share = parameter(
        0.25, "share of a domain's words that all domains of its group share"
    )
    corpus: int = parameter(
        12000, "sentences of the general corpus's training file", gt=0, le=MOST_TEXTS
    )
    texts: int = parameter(2000, "sentences of a domain's training file", gt=0, le=MOST_TEXTS)
    held_out: int = parameter(400, "sentences of a domain's dev file, and of its test file", gt=0)
    labelled_share: Number = parameter(
        0.5, "share of a domain's words in the end task's training file", gt=0, lt=1
    )
    labelled: int = parameter(
        192, "sentences of an end task's training file", ge=CLASSES, le=MOST_TEXTS
    )
    tested: int = parameter(
        240, "sentences of an end task's dev file, and of its test file", ge=CLASSES, le=MOST_TEXTS
    )

    @model_validator(mode="after")
    def _words_of_every_class_in_every_split(self):
        """An end task's dev and test files use words that its training file does not have."""
        agreed = round(self.agreed_share * self.words)
        least = agreed // CLASSES + (self.words - agreed) // CLASSES
        labelled = round(self.labelled_share * least)
        if labelled < 1 or least - labelled < 2:
            raise ValueError(
                "`words` and `labelled_share` that give every class at least one word in training "
                f"and two others, for dev and test, found {labelled} of {least} in training"
            )
        return self

    @model_validator(mode="after")
    def _sentences_are_left_to_train_on(self):
        """Held-out sentences are not trained on; half of all possible sentences must be left."""
        general = self.general_words * SENTENCES
        most = min(general, self.words * SENTENCES // 4)
        if self.held_out > most:
            raise ValueError(
                f"`held_out` of at most {most}, so that half of the sentences possible with "
                f"`words` {self.words} and `general_words` {self.general_words} are left to "
                f"train on, found {self.held_out}"
            )
        return self
