"""Sampled texts and questions of the domains as Markdown, for people to read."""

from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.domains.lexicon import DOMAINS, GROUPS
from lethe.sources.world.items import section


def sampled_items(directory: Path | str, seed: int = 0, count: int = 12) -> str:
    """Markdown with `count` lines of the general corpus, and of every domain's files."""
    directory = Path(directory)
    lines = ["# Items of the generated domains", ""]

    def add(title: str, file: str, line) -> None:
        lines.extend(section(title, read_rows(directory / file), line, count, seed))

    add("general corpus", "corpus/train.jsonl", _text)
    for group in GROUPS:
        add(f"general corpus, cloze, {group}", f"corpus/cloze-{group}-test.jsonl", _question)
    for domain in DOMAINS:
        add(f"{domain}: texts", f"domains/{domain}/train.jsonl", _text)
        add(f"{domain}: cloze", f"domains/{domain}/cloze-test.jsonl", _question)
        add(f"{domain}: end task, labelled", f"end_tasks/{domain}/train-1.jsonl", _question)
        add(f"{domain}: end task, tested", f"end_tasks/{domain}/test-1.jsonl", _question)
    return "\n".join(lines)


def _text(row: dict) -> str:
    return row["text"]


def _question(row: dict) -> str:
    """A text with its hidden word, its class, and the stem that tells it."""
    return f"{row['text']} -> **{row['label']}** (`{row['cluster']}`)"
