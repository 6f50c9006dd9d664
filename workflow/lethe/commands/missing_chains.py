"""Whether a study's results are those of its file as it is now, or of one with other chains."""

from pathlib import Path

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import spec_file
from lethe.artefacts.study_files import COLLECTED, read_record
from lethe.config.catalogue import Catalogue, Study
from lethe.errors import some_of
from lethe.longtables.node_words import Words
from lethe.planning.plan import make_plan


def missing_chains(study: Study, catalogue: Catalogue, folder: Path) -> str:
    """One sentence on chains of a study that its results do not have; nothing if they have all.

    folder: of the study's results. A chain whose settings have changed since is another chain.
    """
    if not (folder / COLLECTED).is_file():
        return ""
    name = read_manifest(folder / COLLECTED)["inputs"].get("record")
    if not name or not (record := spec_file(study.output, name)).is_file():
        return ""
    have = {tuple(run["checkpoints"]) for run in read_record(record)["runs"]}
    runs = make_plan(study, catalogue).runs
    words = Words(runs)
    missing = [words.chain(run) for run in runs if tuple(run.checkpoints) not in have]
    if not missing:
        return ""
    return (
        f"these results lack {len(missing)} of the {len(runs)} chains that study {study.study!r} "
        f"now has, or have them with other settings ({some_of(missing)}); run "
        "it again."
    )
