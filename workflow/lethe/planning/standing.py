"""Where the jobs of a study stand: done, or to be done again, and why. Nothing is changed here.

Times of files decide nothing, so results that were copied stay done. A job is done if its manifest
is whole, records the spec, code and inputs that the study asks for now, and the files that it lists
are there as it lists them.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lethe.artefacts.files import write_atomic
from lethe.artefacts.local_files import file_digest
from lethe.artefacts.manifests import LOGS, Altered, inside, read_manifest
from lethe.artefacts.nodes import ANY_CODE
from lethe.artefacts.study_files import contents
from lethe.errors import UserError

ITS_CODE = "its code has changed"
ITS_INPUTS = "what it was made from has changed"
READ = ("collect", "summarize")
"""Rules of a study whose files others read."""
AS_A_WHOLE = ("questions",)
"""Rules of a study whose folder others read as one thing."""
MOST_NAMED = 5
"""Altered files that are named one by one when a run starts."""


@dataclass(frozen=True)
class Job:
    """A job as the study asks for it.

    manifest: the file that it writes last. reads: ids of nodes, or names of long tables, that it
    reads. values: other inputs that its manifest records. spec: of the node that it makes.
    """

    rule: str
    name: str
    manifest: Path
    code: str
    reads: list[str]
    values: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] | None = None


@dataclass(frozen=True)
class Standing:
    """again: jobs that were done once and are to be done again, in order; done: those that count.
    reasons: those of the jobs that are themselves out of date or altered; others follow from them.
    """

    again: list[Job]
    done: list[Job]
    reasons: dict[str, str]

    def write_marker(self, marker: Path) -> None:
        """Write a file that is newer than what the jobs made that are to be done again, if any.

        As one more input of such a job it makes Snakemake run it.
        """
        if self.again:
            write_atomic(marker, f"{os.getpid()} {time.time_ns()}\n", durable=False)
            latest = max(job.manifest.stat().st_mtime for job in self.again)
            os.utime(marker, times=(max(latest + 1, time.time()),) * 2)

    def lines(self) -> Iterator[str]:
        """What a user should know, a line each."""
        changed = {why: Counter[str]() for why in (ITS_CODE, ITS_INPUTS)}
        altered = []
        for job in self.again:
            why = self.reasons.get(str(job.manifest))
            if why in changed:
                changed[why][job.rule] += 1
            elif why:
                altered.append(f"{why}; it is made again")
        for why, rules in changed.items():
            if rules:
                listed = ", ".join(f"{rule} {count}" for rule, count in rules.items())
                yield f"done again because {why}: {listed}"
        yield from altered[:MOST_NAMED]
        if len(altered) > MOST_NAMED:
            yield f"{len(altered) - MOST_NAMED} more are made again; `lethe verify` names them"


def standing(jobs: Iterable[Job]) -> Standing:
    """Where jobs stand; each comes after the jobs that it reads from."""
    known: dict[str, str | None] = {}
    again, done, reasons = [], [], {}
    for job in jobs:
        inputs = {name: known.get(name) for name in job.reads}
        why, manifest = _why_not_done(job, {**inputs, **job.values})
        if why:
            reasons[str(job.manifest)] = why
        is_done = manifest is not None and not why and None not in inputs.values()
        if is_done:
            done.append(job)
        elif job.manifest.exists():
            again.append(job)
        known |= _contents(job, manifest if is_done else None)
    return Standing(again, done, reasons)


def _contents(job: Job, manifest: dict[str, Any] | None) -> dict[str, str | None]:
    """What other jobs read of this one, with its digest; None if it is yet to be made."""
    if job.spec is not None:
        return {job.name: None if manifest is None else manifest["content"]}
    if job.rule in AS_A_WHOLE:
        return {job.name: None if manifest is None else manifest["content"]}
    # Nothing reads tables and figures, whose files may have the names of long tables.
    if manifest is None or job.rule not in READ:
        return {}
    return contents(manifest)


def _why_not_done(job: Job, inputs: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """(Why a job that was done counts no longer, its manifest); ("", None) if it was never done."""
    if not job.manifest.exists():
        return "", None
    try:
        manifest = read_manifest(job.manifest)
        require_files(job, manifest)
    except Altered as error:
        return error.reason, None
    except UserError as error:
        return str(error), None
    if job.spec is None and manifest.get("rule") != job.rule:
        return f"{job.manifest}: is not the manifest of a {job.rule}", manifest
    if job.spec is not None and manifest.get("spec") != job.spec:
        return f"{job.manifest}: its spec is not the one in its id", manifest
    if job.code not in (ANY_CODE, manifest.get("code")):
        return ITS_CODE, manifest
    if None not in inputs.values() and manifest.get("inputs") != inputs:
        return ITS_INPUTS, manifest
    return "", manifest


def require_files(job: Job, manifest: dict[str, Any]) -> None:
    """Check the files that a manifest lists, without reading those that cannot have changed.

    A file whose status last changed when it was made has not changed since; nobody can set the time
    of that change. Copies are read: a copied manifest is younger than its files, damaged or not, so
    the time that counts is the one that it holds. Weights and fetched files may have been removed
    to save space: scores stay valid without them.

    Raises:
        Altered: one is missing, cut or altered.
    """
    changed = manifest.get("changed", 0)
    for name, entry in manifest["files"].items():
        path = inside(job.manifest.parent, name)
        try:
            status = path.stat()
        except OSError:
            if _may_be_missing(job, name):
                continue
            raise Altered(f"{path}: is missing", job.manifest) from None
        is_whole = status.st_size == entry["size"]
        if is_whole and status.st_ctime_ns > changed:
            is_whole = file_digest(str(path), name) == entry["sha256"]
        if not is_whole:
            raise Altered(f"{path}: was altered or cut since it was made", job.manifest)


def _may_be_missing(job: Job, name: str) -> bool:
    return job.rule == "fetch" or name in LOGS or name.endswith(".safetensors")
