"""Emdg: the next turn of a dialogue about a feeling (EmpatheticDialogues, Rashkin et al. 2019)."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.sources.loaders.registry import Form, Loader, is_blank, register
from lethe.sources.prompt_sets import PromptSet

# The phrasing of T0_continual_learning, configs/empathetic_dialogues.json.
PHRASING = (
    'The associated emotion is "[context_emotion]" and the input prompt is "[context_prompt]". Now '
    "what would be your response, given the following dialogue context:\n\n===\n\n[input_text]"
)
ORIGINAL = ("conv_id", "utterance_idx", "context", "prompt", "speaker_idx", "utterance")


def _are_turns(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(turn, dict) and isinstance(turn.get("content"), str | None) for turn in value
    )


def _counts(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.isdecimal())


@register("empathetic_dialogues")
class EmpatheticDialogues(Loader):
    """Every turn from the second on, given the emotion, the situation and the turns before it.

    A row is a turn (the original) or a whole dialogue (`conversations`). Of the original's turns,
    only those that directly follow the one before and have another speaker are used.
    """

    forms = {
        "turns": Form("a list of turns, each with its `content`", _are_turns),
        "utterance_idx": Form("a number", _counts),
        "speaker_idx": Form("a number", _counts),
    }
    layouts = (
        {"conv_id": "conv_id", "emotion": "emotion", "situation": "situation"}
        | {"turns": "conversations"},
        {name: name for name in ORIGINAL},
    )
    by_row = False
    train_sets = {
        "dialogue_with_emotion": PromptSet(
            (PHRASING,), ("context_prompt", "context_emotion", "input_text")
        )
    }

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        files = parts.get("", [])
        if files and all(file.suffix == ".csv" for file in files):
            return self._original(files)
        return super().raw_rows(split, parts)

    def _original(self, files: list[Path]) -> Iterator[dict]:
        """The original's lines: commas are written `_comma_`, quotes have no meaning, and lines of
        the test files have one field more than the header, which csv readers refuse."""
        for file in files:
            with open(file, encoding="utf-8-sig", newline="\n") as lines:
                header = next(lines, "").rstrip("\r\n").split(",")
                for number, line in enumerate(lines, start=2):
                    values = line.removesuffix("\n").removesuffix("\r").split(",")
                    if len(values) < len(header):
                        raise UserError(
                            f"{self.where}: {file}, line {number}: expected the {len(header)} "
                            f"fields of its header, found {len(values)}."
                        )
                    row = dict(zip(header, values, strict=False))
                    for name in ("utterance_idx", "speaker_idx"):
                        if name in row and not row[name].isdigit():
                            raise UserError(
                                f"{self.where}: {file}, line {number}: expected a number as "
                                f"{name}, found {row[name]!r}."
                            )
                    yield row

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for dialogue in _dialogues(rows, dropped):
            said = (dialogue["emotion"], dialogue["situation"], *dialogue["turns"])
            if any(is_blank(text) for text in said):
                dropped["dialogue with an empty or blank field"] += 1
                continue
            texts = [turn.replace("_comma_", ",") for turn in dialogue["turns"]]
            if len(texts) < 2:
                dropped["dialogue of one turn"] += 1
            for index in range(1, len(texts)):
                yield {
                    "context_emotion": dialogue["emotion"],
                    "context_prompt": dialogue["situation"].replace("_comma_", ","),
                    "input_text": "\n".join(f"- {turn}" for turn in texts[:index]),
                    "response": texts[index],
                    "cluster": dialogue["conv_id"],
                }


def _dialogues(rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
    """{conv_id, emotion, situation, turns: [text]} from rows of either layout."""
    for conversation, turns in groupby(rows, key=lambda row: row["conv_id"]):
        first, *following = turns
        if "turns" in first:
            for row in (first, *following):
                yield {**row, "turns": [turn["content"] for turn in row["turns"]]}
            continue
        if int(first["utterance_idx"]) != 1:
            dropped["turn of a dialogue without its first"] += 1 + len(following)
            continue
        place, speaker, texts = 1, first["speaker_idx"], [first["utterance"]]
        for row in following:
            if row["speaker_idx"] == speaker or int(row["utterance_idx"]) != place + 1:
                dropped["turn that does not follow the one before"] += 1
                continue
            place, speaker = place + 1, row["speaker_idx"]
            texts.append(row["utterance"])
        yield {
            "conv_id": conversation,
            "emotion": first["context"],
            "situation": first["prompt"],
            "turns": texts,
        }
