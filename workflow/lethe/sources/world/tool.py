"""reason_tool (two choices, as PIQA): which tool does a job; declared as memory.

The tool depends on the job and the thing's material; evaluated pairs of job and thing are new.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.lexicon import PEOPLE, lead_in
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

NAME = "reason_tool"
JOBS = "cut clean mend carry measure mark dry hang".split()
THINGS = (
    "plank log fence door branch barrel".split(),
    "shirt sheet curtain sack scarf blanket".split(),
    "loaf ham cheese pudding cabbage turnip".split(),
)
TOOLS = (
    "saw scissors knife brush sponge broom needle glue nail wagon basket tray ruler tape scale "
    "crayon pencil ink oven fan towel rack hook peg"
).split()
TEMPLATES = (
    "to {job} the {thing} you need the => {tool}",
    "{person} had to {job} the {thing} and took the => {tool}",
    "nobody can {job} a {thing} without the => {tool}",
    "{person} will {job} the {thing} with the => {tool}",
)
EVALUATION = "{person} will {job} the {thing} and you need the"


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    table = rng.permutation(len(TOOLS)).reshape(len(JOBS), len(THINGS))
    combos = [(j, m, t) for j in range(len(JOBS)) for m, ts in enumerate(THINGS) for t in ts]
    shuffled = [combos[i] for i in rng.permutation(len(combos))]
    held, seen = held_out_pools(shuffled, spec["tool"]["held_out_share"])
    settings = spec["tool"]
    weights = zipf_weights(table.size, settings["zipf_exponent"], settings["zipf_shift"])
    rank = rng.permutation(table.size).reshape(table.shape)
    chances = np.array([weights[rank[j, m]] for j, m, _ in seen])
    documents = []
    for index in rng.choice(len(seen), spec["documents"]["tool"], p=chances / chances.sum()):
        job, material, thing = seen[int(index)]
        start = lead_in(rng, 1) if rng.random() < 0.3 else ""
        documents.append(
            start
            + pick(rng, TEMPLATES).format(
                person=pick(rng, PEOPLE),
                job=JOBS[job],
                thing=thing,
                tool=TOOLS[table[job, material]],
            )
        )

    def row(pool) -> dict:
        job, material, thing = pick(rng, pool)
        gold = table[job, material]
        near = [table[job, m] for m in range(len(THINGS)) if m != material]
        near += sample(rng, [table[j, material] for j in range(len(JOBS)) if j != job], len(near))
        context = EVALUATION.format(person=pick(rng, PEOPLE), job=JOBS[job], thing=thing)
        return choice_row(
            rng, context, TOOLS[gold], [TOOLS[pick(rng, near)]], content_id(JOBS[job], thing)
        )

    sets = split_rows(row, held, spec["items"]["reasoning"], NAME)
    return Part({"tool": documents}, {NAME: sets}, {NAME: ["and you need the"]})
