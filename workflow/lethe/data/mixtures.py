"""The data of one stage: tasks with counts, read from the data nodes that hold them."""

from pathlib import Path

import numpy as np

from lethe.data.examples import Example, load_examples
from lethe.errors import UserError


def load_mixture(
    mixture: list[dict], directories: dict[str, Path], tokenizer, max_length: int, seed: int
) -> list[Example]:
    """Examples of every component, in the order of the mixture.

    Args:
        mixture: components with `task`, `data` (id of the data node), `file` (within the node),
            `template` (how a prompt is wrapped), `count` (None for all) and `draw` (how often the
            mixture was used before in the history, so that every use draws other examples).
        directories: folder of each data node, by id.
        seed: draws the subset of a component that has a count.

    Raises:
        UserError: a component asks for more examples than there are.
    """
    examples: list[Example] = []
    for component in mixture:
        path = directories[component["data"]] / component["file"]
        found = load_examples(path, component["task"], tokenizer, max_length, component["template"])
        examples.extend(_subset(found, component, seed))
    return examples


def _subset(found: list[Example], component: dict, seed: int) -> list[Example]:
    count = component["count"]
    if count is None:
        return found
    if count > len(found):
        raise UserError(
            f"The mixture asks for {count} examples of task {component['task']!r}, "
            f"which has {len(found)}; lower the count in the order or the task."
        )
    chosen = np.random.default_rng([seed, component["draw"]]).permutation(len(found))[:count]
    return [found[int(index)] for index in sorted(chosen)]
