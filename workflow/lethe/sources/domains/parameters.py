"""Every size and share of the generated domains. Their seed is the study's."""

from typing import Literal

from pydantic import model_validator

from lethe.parameters.entries import Parameters, Share, parameter

CLASSES = 3
# Heads of one word in a domain and in the general corpus, each a third held out; tests count them.
HEADS, GENERAL_HEADS = 24, 96
HELD_HEADS, GENERAL_HELD_HEADS = 8, 32
MOST_TEXTS = 10_000_000
# Stems are drawn until they differ; there are 2,268, of which some begin others.
MOST_STEMS = 60
SUFFIXES = 24


class DomainsParameters(Parameters):
    """Six generated domains in two groups, with end tasks."""

    title = "the domains"

    part: Literal["domains"] = parameter("domains", "which generator")
    stems: int = parameter(
        12, "stems of a domain's words, a multiple of 6", ge=2 * CLASSES, le=MOST_STEMS
    )
    agreed: int = parameter(
        4, "of them, stems that all domains of the group have, with one class", ge=0, le=MOST_STEMS
    )
    contradicted: int = parameter(
        2,
        "of them, stems that all domains of the group have, each domain with another class",
        ge=0,
        le=MOST_STEMS,
    )
    general_stems: int = parameter(
        12,
        "stems whose class the general corpus tells, for each group",
        ge=CLASSES,
        le=MOST_STEMS,
    )
    suffixes: int = parameter(12, "suffixes: a word is a stem and any of them", ge=2, le=SUFFIXES)
    corpus: int = parameter(
        12000, "sentences of the general corpus's training file", gt=0, le=MOST_TEXTS
    )
    evidence_share: Share = parameter(
        0.35,
        "share of the general corpus that tells a class; the rest speaks of stems of domains, and "
        "tells none",
    )
    single_share: Share = parameter(
        0.8, "share of sentences that end in one word, which no other word but the stem tells"
    )
    texts: int = parameter(2000, "sentences of a domain's training file", gt=0, le=MOST_TEXTS)
    held_out: int = parameter(
        400, "sentences of every dev file of texts, and of every test file", gt=0
    )
    labelled: int = parameter(192, "sentences of an end task's training file, a fold", ge=CLASSES)
    tested: int = parameter(
        240, "sentences of an end task's dev file, and of its test file, a fold", ge=CLASSES
    )

    @model_validator(mode="after")
    def _stems_of_every_class_in_both_halves(self) -> "DomainsParameters":
        """One half of the stems is labelled and the other tested; classes are equally frequent."""
        if self.stems % (2 * CLASSES):
            raise ValueError(
                "`stems` that is a multiple of 6, so that both halves of an end task's stems have "
                f"as many of every class, found {self.stems}"
            )
        # Stems of one class that agreed and contradicted ones can make up.
        most = -(-self.agreed // CLASSES) - (-self.contradicted // CLASSES)
        if most > self.stems // CLASSES:
            raise ValueError(
                "`agreed` and `contradicted` that leave all classes as many stems, at most "
                f"{self.stems // CLASSES} of a class with `stems` {self.stems}, found {most}"
            )
        return self

    @model_validator(mode="after")
    def _heads_are_enough(self) -> "DomainsParameters":
        """No evaluated sentence is drawn twice, and dev and test have suffixes of their own."""
        words = self.suffixes // 2
        held = words * min(self.stems * HELD_HEADS, self.general_stems * GENERAL_HELD_HEADS)
        trained = self.stems // 2 * self.suffixes * (HEADS - HELD_HEADS)
        bounds = {
            "held_out": held,
            "tested": words * self.stems // 2 * HELD_HEADS,
            "labelled": trained,
        }
        for key, most in bounds.items():
            if getattr(self, key) > most:
                raise ValueError(
                    f"`{key}` of at most {most}, as many different sentences as `stems` "
                    f"{self.stems}, `general_stems` {self.general_stems} and `suffixes` "
                    f"{self.suffixes} allow, found {getattr(self, key)}"
                )
        return self
