"""The data of one stage: tasks with counts, read from the nodes that hold them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lethe.artefacts.manifests import inside, read_manifest
from lethe.artefacts.paths import MANIFEST
from lethe.data.chat import Chat, chat_rows
from lethe.data.cuts import Cuts, note, note_rows
from lethe.data.encoding import encode_rows
from lethe.data.examples import Example, read_example_rows
from lethe.data.pieces import Parts, Pieces
from lethe.data.streams import Stream
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
) -> Parts:
    """Examples of every component, in the order of the mixture.

    Args:
        mixture: components with `task`, `count` (None for all) and `draw` (how often the mixture
            was used before in the history, so that every use draws other examples). One whose texts
            are joined has `tokens`, the id of the node that holds them as tokens. Any other has
            `data` (id of the data node), `file` (within the node), `template` (how a prompt is
            wrapped) and `delimiter` (before the response).
        directories: folder of each of these nodes, by id.
        seed: draws the subset of a component that has a count.
        family: family of the model that the examples are for.
        chat: prompts in their templates become the user's turn of a chat, which says itself where
            the response begins; there is no delimiter then.

    Raises:
        UserError: a component asks for more examples than its task has, or for a file outside its
            data.
    """
    parts: list[Sequence[Example]] = []
    cuts: Cuts = {}
    for component in mixture:
        task = component["task"]
        if "tokens" in component:
            pieces = _pieces(component, directories, tokenizer, max_length, seed, family)
            parts.append(pieces)
            note(cuts, task, "pieces", len(pieces) + bool(pieces.dropped), [pieces.dropped])
            continue
        path = inside(directories[component["data"]], component["file"])
        rows = read_example_rows(path, task)
        # Drawn before they are encoded: a few examples of a large corpus cost little.
        if (chosen := _drawn(len(rows), component, seed)) is not None:
            rows = [rows[index] for index in chosen]
        how = component["template"], family, component["delimiter"]
        if chat is not None:
            rows = chat_rows(tokenizer, rows, component["template"], chat)
            how = PLACE, family, ""
        parts.append(encode_rows(rows, task, tokenizer, max_length, *how))
        note_rows(cuts, task, parts[-1], "text" in rows[0])
    return Parts(parts, cuts)


def _pieces(component, directories, tokenizer, max_length: int, seed: int, family: str) -> Pieces:
    directory = directories[component["tokens"]]
    facts = read_manifest(directory / MANIFEST["tokens"])
    chosen = _drawn(facts["texts"], component, seed)
    stream = Stream(directory, facts, chosen)
    return Pieces(stream, component["task"], tokenizer, max_length, family)


def _drawn(size: int, component: dict, seed: int) -> np.ndarray | None:
    """Indices of a component's examples in ascending order; None: all of them."""
    count = component["count"]
    if count is None:
        return None
    if count > size:
        raise UserError(
            f"The mixture asks for {count} examples of task {component['task']!r}, "
            f"which has {size}; lower the count in the order or the task."
        )
    generator = np.random.default_rng([seed, component["draw"]])
    return np.sort(generator.permutation(size)[:count])
