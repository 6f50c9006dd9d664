"""The data of one stage: tasks with counts, read from the data nodes that hold them."""

from pathlib import Path

import numpy as np

from lethe.artefacts.manifests import inside
from lethe.data.chat import Chat, chat_rows
from lethe.data.encoding import encode_rows
from lethe.data.examples import Example, read_example_rows
from lethe.errors import UserError
from lethe.parameters.prompt_templates import PLACE


def load_mixture(
    mixture: list[dict],
    directories: dict[str, Path],
    tokenizer,
    max_length: int,
    seed: int,
    family: str = "causal",
    chat: Chat | None = None,
) -> list[Example]:
    """Examples of every component, in the order of the mixture.

    Args:
        mixture: components with `task`, `data` (id of the data node), `file` (within the node),
            `template` (how a prompt is wrapped), `delimiter` (before the response), `count` (None
            for all), `draw` (how often the mixture was used before in the history, so that every
            use draws other examples) and optionally `joined` (texts form one stream).
        directories: folder of each data node, by id.
        seed: draws the subset of a component that has a count.
        family: family of the model that the examples are for.
        chat: prompts in their templates become the user's turn of a chat, which says itself where
            the response begins; there is no delimiter then.

    Raises:
        UserError: a component asks for more examples than its task has, or for a file outside its
            data.
    """
    examples: list[Example] = []
    for component in mixture:
        path = inside(directories[component["data"]], component["file"])
        # Drawn before they are encoded: a few examples of a large corpus cost little.
        rows = _drawn(read_example_rows(path, component["task"]), component, seed)
        how = component["template"], family, component["delimiter"]
        if chat is not None:
            rows = chat_rows(tokenizer, rows, component["template"], chat)
            how = PLACE, family, ""
        joined = component.get("joined", False)
        examples += encode_rows(rows, component["task"], tokenizer, max_length, *how, joined)
    return examples


def _drawn(rows: list[dict], component: dict, seed: int) -> list[dict]:
    count = component["count"]
    if count is None:
        return rows
    if count > len(rows):
        raise UserError(
            f"The mixture asks for {count} examples of task {component['task']!r}, "
            f"which has {len(rows)}; lower the count in the order or the task."
        )
    generator = np.random.default_rng([seed, component["draw"]])
    return [rows[int(index)] for index in sorted(generator.permutation(len(rows))[:count])]
