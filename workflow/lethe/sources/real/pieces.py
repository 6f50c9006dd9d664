"""Documents by split, and their pieces of whole sentences: prose to train on or held out."""

from __future__ import annotations

import numpy as np

from lethe.errors import UserError
from lethe.sources.real.prose import PROSE, Document
from lethe.sources.real.text_tasks import bare
from lethe.sources.world.parts import stream

SHARES = {"test": 0.3, "dev": 0.15}
"""Of each source's documents; the rest is for training."""


def documents_by_split(
    rng: np.random.Generator, documents: list[Document]
) -> dict[str, list[Document]]:
    """Every document in one split, each source in the same shares, in random order."""
    split: dict[str, list[Document]] = {"train": [], "dev": [], "test": []}
    for source in PROSE:
        of_source = [document for document in documents if document.source == source]
        order = [of_source[i] for i in rng.permutation(len(of_source))]
        for name, share in SHARES.items():
            count = max(1, round(share * len(of_source)))
            split[name] += order[:count]
            order = order[count:]
        split["train"] += order
    return {name: [found[i] for i in rng.permutation(len(found))] for name, found in split.items()}


def pieces(spec: dict, documents: dict[str, list[Document]]) -> dict[str, dict[str, list[dict]]]:
    """Rows with `text` by source and split; their document is the cluster.

    A sentence that held-out documents have is left out of the pieces to train on.

    Raises:
        UserError: a source has too few.
    """
    sizes = spec["prose"]
    held = {
        bare(sentence)
        for split in ("dev", "test")
        for document in documents[split]
        for sentence in document.sentences
    }
    made: dict[str, dict[str, list[dict]]] = {}
    for source in PROSE:
        made[source] = {}
        for split in ("train", "dev", "test"):
            cut = [
                {"text": text, "cluster": document.name}
                for document in documents[split]
                if document.source == source
                for text in _cut(document, sizes["words"], held if split == "train" else set())
            ]
            if len(cut) < sizes[split]:
                raise UserError(
                    f"Expected {sizes[split]} pieces of {source} ({split}), found {len(cut)}: "
                    f"lower `prose.{split}` or `prose.words` in the parameters of the source."
                )
            order = stream(spec["seed"], f"pieces-{source}-{split}").permutation(len(cut))
            made[source][split] = [
                {"id": f"{source}-{split}-{number}"} | cut[index]
                for number, index in enumerate(order[: sizes[split]])
            ]
    return made


def _cut(document: Document, words: int, leave_out: set[str]) -> list[str]:
    """Runs of whole sentences of at least so many words; what is left at the end is dropped."""
    texts, run = [], []
    for sentence in document.sentences:
        if bare(sentence) not in leave_out:
            run.append(sentence)
        if len(" ".join(run).split()) >= words:
            texts.append(" ".join(run))
            run = []
    return texts
