"""The five instruction tasks of Luo et al. 2023 (sec. 2): disjoint train, dev and test rows."""

from __future__ import annotations

from lethe.sources.world.lexicon import joined, written
from lethe.sources.world.parts import content_id, distinct_rows, stream
from lethe.sources.world.replying import empathy, explanation, inquiry
from lethe.sources.world.rewriting import headline, simplification

TASKS = {
    "simp": simplification,
    "emdg": empathy,
    "inqqg": inquiry,
    "exp": explanation,
    "hgen": headline,
}


def finished(instruction: dict, names: set[str]) -> dict:
    """Columns of a task row. Responses stay in lower case, as the tokenizer decodes them."""
    response = joined(instruction["response"])
    constraint = instruction.get("constraint")
    identity = content_id(instruction["source"], str(constraint))
    return {
        "id": identity,
        "cluster": identity,
        "prompt": written(instruction["prompt"], names),
        "response": response,
        "references": [response],
        "source": joined(instruction["source"]),
        "constraint": constraint,
    }


def generate_tasks(spec: dict, names: set[str]) -> dict[str, dict[str, list[dict]]]:
    """Rows by task and split; no source text is in two splits."""
    tasks = {}
    for name, make in TASKS.items():
        rng, taken = stream(spec["seed"], f"task-{name}"), set()
        tasks[name] = {
            split: distinct_rows(
                lambda make=make, rng=rng: finished(make(rng), names),
                spec["items"]["tasks"][split],
                f"{name} ({split})",
                taken,
            )
            for split in ("test", "dev", "train")
        }
    return tasks
