"""End tasks of Gururangan et al. 2020, *Don't Stop Pretraining*: a text and its class a line.

Ke et al. 2023 take three: ACL-ARC (files of `citation_intent`), SciERC (`sciie`), and ChemProt.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from lethe.sources.loaders.labelled import Labelled
from lethe.sources.loaders.registry import register
from lethe.sources.reading import read_objects


class Ruled(Labelled):
    """Labelled texts whose public splits are put together anew by a rule.

    Parameters:
        split: name of a split rule of Ke et al. 2023 (`lethe.sources.ruled_splits`);
            None: the splits as they were published.
        any_size: true takes files that do not give the published sizes.
    """

    ruled = True
    parameters: ClassVar[dict[str, Any]] = {"split": None, "any_size": False}

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        files = [file for part in parts.values() for file in part]
        return read_objects(files, self.where)


@register("citation_intent")
class CitationIntent(Ruled):
    """ACL-ARC: why a paper is cited, six classes (Jurgens et al. 2018)."""

    parameters = {"split": "aclarc", "any_size": False}


@register("sciie")
class SciIE(Ruled):
    """SciERC: how two entities of an abstract are related, seven classes (Luan et al. 2018)."""

    parameters = {"split": "scierc", "any_size": False}


@register("chemprot")
class ChemProt(Ruled):
    """How a chemical and a protein interact, thirteen classes (Kringelum et al. 2016)."""

    parameters = {"split": "chemprot", "any_size": False}
