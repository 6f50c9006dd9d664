"""A corpus as plain text, one document per line: the format of the corpora of Ke et al. 2023."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lethe.errors import UserError
from lethe.sources.broken_files import refuse_broken
from lethe.sources.loaders.registry import Loader, is_blank, register
from lethe.sources.reading import RawFiles


@register("text_lines")
class TextLines(Loader):
    """Documents of text files; the first lines are the dev split, the others are trained on."""

    layouts = ({"text": "text"},)
    by_row = False
    needed = ("train",)

    def regrouped(self, raw: RawFiles) -> RawFiles:
        if "train" not in raw or "validation" in raw or not self.values["dev_percent"]:
            return raw
        files = raw["train"].get("", [])
        return {**raw, "validation": {"first": files}, "train": {"rest": files}}

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        ((part, files),) = parts.items()
        if part not in ("", "first", "rest"):
            raise UserError(
                f"{self.where}.files: expected {split} or numbered parts such as {split}.1, found "
                f"the part {part!r}."
            )
        if not part:
            return self._lines(files)
        first = dev_lines(sum(1 for _ in self._lines(files)), self.values["dev_percent"])
        bounds = (0, first) if part == "first" else (first, None)
        return islice(self._lines(files), *bounds)

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if is_blank(row["text"]):
                dropped["line is blank"] += 1
                continue
            yield {"text": row["text"]}

    def _lines(self, files: list[Path]) -> Iterator[dict]:
        for file in files:
            refuse_broken(file, self.where)
            try:
                with open(file, encoding="utf-8-sig", newline="\n") as opened:
                    for line in opened:
                        yield {"text": line.removesuffix("\n").removesuffix("\r")}
            except UnicodeDecodeError as error:
                raise UserError(f"{self.where}: {file} is not UTF-8 text ({error}).") from None


def dev_lines(lines: int, percent: float) -> int:
    """Number of dev lines, rounded like a percent slice of `datasets`."""
    return round(lines * percent / 100)
