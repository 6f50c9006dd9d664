"""reason_pronoun (two choices, as WinoGrande): a cue shows which of two people is meant.

Frames of one group share their cues; a share of the (frame, cue) pairs never occurs in the corpus.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.lexicon import HELD_OUT, HELD_OUT_PHRASE, PEOPLE, lead_in
from lethe.sources.world.parts import (
    Part,
    choice_row,
    content_id,
    held_out_pools,
    pick,
    sample,
    split_rows,
    zipf_weights,
)

NAME = "reason_pronoun"
# (frames, cues about the first person, cues about the second)
GROUPS = (
    (
        (
            "visitor {a} asked guide {b}",
            "visitor {a} called guide {b}",
            "visitor {a} begged guide {b}",
        ),
        ("lost", "worried", "confused"),
        ("clever", "skilled", "wise"),
    ),
    (
        (
            "teacher {a} punished pupil {b}",
            "teacher {a} scolded pupil {b}",
            "teacher {a} dismissed pupil {b}",
        ),
        ("strict", "furious", "severe"),
        ("guilty", "lazy", "rude"),
    ),
    (
        (
            "nurse {a} comforted patient {b}",
            "nurse {a} fed patient {b}",
            "nurse {a} carried patient {b}",
        ),
        ("kind", "gentle", "caring"),
        ("ill", "hurt", "weak"),
    ),
    (
        (
            "runner {a} beat rival {b}",
            "runner {a} outran rival {b}",
            "runner {a} overtook rival {b}",
        ),
        ("quick", "strong", "trained"),
        ("slow", "clumsy", "sleepy"),
    ),
)
QUESTION = "that was {cue}"
NAMES = PEOPLE[:10]


def all_pairs() -> list[tuple[str, str, bool]]:
    """Every (frame, cue, is about the first person)."""
    pairs = []
    for frames, first, second in GROUPS:
        for frame in frames:
            pairs += [(frame, cue, True) for cue in first]
            pairs += [(frame, cue, False) for cue in second]
    return pairs


def people(rng: np.random.Generator) -> dict[str, str]:
    """Two different people for the slots a and b."""
    return dict(zip("ab", sample(rng, NAMES, 2), strict=True))


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    settings = spec["pronoun"]
    pairs = [all_pairs()[i] for i in rng.permutation(len(all_pairs()))]
    held, seen = held_out_pools(pairs, settings["held_out_share"])
    cues = sorted({cue for _, cue, _ in pairs})
    weight = dict(
        zip(
            [cues[i] for i in rng.permutation(len(cues))],
            zipf_weights(len(cues), settings["zipf_exponent"], settings["zipf_shift"]),
            strict=True,
        )
    )
    chances = np.array([weight[cue] for _, cue, _ in seen])
    documents = []
    for index in rng.choice(len(seen), spec["documents"]["pronoun"], p=chances / chances.sum()):
        frame, cue, first = seen[int(index)]
        who = people(rng)
        question = QUESTION.format(cue=cue)
        gold = who["a" if first else "b"]
        documents.append(f"{frame.format(**who)} . {lead_in(rng)}{question} => {gold}")

    def row(pool) -> dict:
        frame, cue, first = pick(rng, pool)
        who = people(rng)
        gold, other = (who["a"], who["b"]) if first else (who["b"], who["a"])
        context = f"{frame.format(**who)} . {HELD_OUT} {QUESTION.format(cue=cue)}"
        return choice_row(rng, context, gold, [other], content_id(frame, cue))

    sets = split_rows(row, held, spec["items"]["reasoning"], NAME)
    return Part({"pronoun": documents}, {NAME: sets}, {NAME: [HELD_OUT_PHRASE]})
