"""Sampled items of the real data as Markdown, for people to read."""

from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.sources.real.prose import PROSE
from lethe.sources.real.task_files import METRICS
from lethe.sources.world.items import choice_line, instruction_line, section


def sampled_items(directory: Path | str, seed: int = 0, count: int = 5) -> str:
    """Markdown with `count` items of each evaluation set, task and kind of prose."""
    directory = Path(directory)
    lines = ["# Items of the real data", ""]
    for path in sorted((directory / "eval" / "data").iterdir()):
        if not path.name.startswith("own_"):
            rows = read_rows(path / "test.jsonl")
            lines += section(path.name, rows, lambda row: _flat(choice_line(row)), count, seed)
    for task in METRICS:
        rows = read_rows(directory / "tasks" / task / "train.jsonl")
        lines += section(
            f"task {task}", rows, lambda row: _flat(instruction_line(row)), count, seed
        )
    for source in PROSE:
        rows = read_rows(directory / "prose" / source / "test.jsonl")
        lines += section(f"held-out prose: {source}", rows, lambda row: row["text"], count, seed)
    return "\n".join(lines)


def _flat(text: str) -> str:
    """A text in one line, so that it stays one entry of a list."""
    return " ".join(text.split())
