"""reason_tool (two choices, as PIQA): which tool does a job; declared memory.

The tool depends on the job and on what the thing is made of; asked pairs of job and thing are new.
"""

from __future__ import annotations

import numpy as np

from lethe.world.lexicon import PEOPLE
from lethe.world.parts import Part, choice_row, content_id, pick, sample, zipf_weights

NAME = "reason_tool"
JOBS = "cut clean mend carry measure mark dry hang press shape".split()
THINGS = (
    "plank log fence door chair branch barrel beam".split(),
    "shirt sheet curtain sack scarf blanket sail carpet".split(),
    "loaf ham cheese pudding cabbage turnip pie pumpkin".split(),
    "kettle pan bucket chain gate anchor lock statue".split(),
)
TOOLS = (
    "saw scissors knife shears brush sponge broom rag needle glue nail clamp wagon basket tray "
    "crane ruler tape scale cord crayon pencil ink stamp oven fan towel rack hook peg rope shelf "
    "mangle roller vice pin tongs fork rasp loom"
).split()
TEMPLATES = (
    "to {job} the {thing} you need a {tool} .",
    "{person} had to {job} the {thing} and took the {tool} .",
    "nobody can {job} a {thing} without the {tool} .",
    "{person} will {job} the {thing} with the {tool} .",
)
EVALUATION = "{person} would like to {job} the {thing} . the proper tool is the"


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    table = rng.permutation(len(TOOLS)).reshape(len(JOBS), len(THINGS))
    combos = [(j, m, t) for j in range(len(JOBS)) for m, ts in enumerate(THINGS) for t in ts]
    order = [combos[i] for i in rng.permutation(len(combos))]
    counts = spec["items"]["reasoning"]
    held = order[: counts["test"] + counts["dev"]]
    seen = order[len(held) :]
    settings = spec["tool"]
    weights = zipf_weights(table.size, settings["zipf_exponent"], settings["zipf_shift"])
    rank = rng.permutation(table.size).reshape(table.shape)
    chances = np.array([weights[rank[j, m]] for j, m, _ in seen])
    documents = []
    for index in rng.choice(len(seen), spec["documents"]["tool"], p=chances / chances.sum()):
        job, material, thing = seen[int(index)]
        documents.append(pick(rng, TEMPLATES).format(
            person=pick(rng, PEOPLE), job=JOBS[job], thing=thing, tool=TOOLS[table[job, material]]
        ))

    def row(job: int, material: int, thing: str) -> dict:
        gold = table[job, material]
        near = [table[job, m] for m in range(len(THINGS)) if m != material]
        near += [table[j, material] for j in range(len(JOBS)) if j != job][:3]
        other = TOOLS[sample(rng, near, 1)[0]]
        context = EVALUATION.format(person=pick(rng, PEOPLE), job=JOBS[job], thing=thing)
        return choice_row(rng, context, TOOLS[gold], [other], content_id(TOOLS[gold]))

    rows = [row(*combo) for combo in held]
    sets = {"test": rows[: counts["test"]], "dev": rows[counts["test"] :]}
    return Part({"tool": documents}, {NAME: sets}, {NAME: ["the proper tool is the"]})
