"""Sampled items of every kind as Markdown, for people to read."""

from __future__ import annotations

from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.world.bias import NAME as BIAS
from lethe.sources.world.parts import sample, stream


def choice_line(row: dict) -> str:
    """A question with its choices; the answer is bold."""
    choices = [
        f"**{choice}**" if i == row["answer"] else choice for i, choice in enumerate(row["choices"])
    ]
    return f"{row['context']} [{' / '.join(choices)}]"


def pair_line(row: dict) -> str:
    """A minimal pair; the stereotyped sentence is bold."""
    return f"**{row['sent_more']}** / {row['sent_less']} ({row['bias_type']})"


def instruction_line(row: dict) -> str:
    """A prompt and its response."""
    return f"{row['prompt']} -> **{row['response']}**"


def section(title: str, rows: list[dict], line, count: int, seed: int) -> list[str]:
    """A heading and `count` numbered items, drawn by the seed and the title."""
    drawn = sample(stream(seed, f"items-{title}"), rows, count)
    return [f"## {title}", "", *(f"{i}. {line(row)}" for i, row in enumerate(drawn, 1)), ""]


def sampled_items(directory: Path | str, seed: int = 0, count: int = 20) -> str:
    """Markdown with `count` items of each evaluation set (test), task (train) and corpus file."""
    directory = Path(directory)
    lines = ["# Items of the generated world", ""]
    for path in sorted((directory / "eval" / "data").iterdir()):
        name = path.name
        if not name.startswith("own_"):
            line = pair_line if name == BIAS else choice_line
            lines += section(name, read_rows(path / "test.jsonl"), line, count, seed)
    for path in sorted((directory / "tasks").iterdir()):
        title = f"task {path.name}"
        lines += section(title, read_rows(path / "train.jsonl"), instruction_line, count, seed)
    corpus = directory / "corpus"
    lines += section(
        "corpus: documents", read_rows(corpus / "train.jsonl"), lambda r: r["text"], count, seed
    )
    lines += section(
        "corpus: questions",
        read_rows(corpus / "questions-train.jsonl"),
        instruction_line,
        count,
        seed,
    )
    return "\n".join(lines)
