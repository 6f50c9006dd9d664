"""What a logged sample asked: its choices, the right ones, and its texts.

lm-eval logs what it sent to the model, `arguments`: a context and a continuation for every choice.
The question is found in the context, which may begin with examples.
"""

import json
import os
import re
from collections.abc import Callable
from typing import Any

BREAK = "\n\n"
"""lm-eval's delimiter of examples."""
COLUMN = re.compile(r"\{\{\s*(\w+)\s*\}\}")
Pair = tuple[str, str]
Find = Callable[[dict, str], str]
"""From a document and its context to the question in the context."""


def arguments_of(sample: dict) -> list[Pair]:
    """(context, continuation) of every choice; empty if they were not logged.

    A file of samples has mappings {gen_args_0: {arg_0: ..}}, what `simple_evaluate` returns lists.
    A task that scores choices also without context (acc_mutual_info) has them twice; these are left
    out.
    """
    logged = sample.get("arguments")
    parts = list(logged.values()) if isinstance(logged, dict) else logged
    if not isinstance(parts, list):
        return []
    pairs = [list(part.values()) if isinstance(part, dict) else part for part in parts]
    if not all(isinstance(pair, list | tuple) and len(pair) > 1 for pair in pairs):
        return [(str(pair[0]), "") for pair in pairs if isinstance(pair, list | tuple) and pair]
    found = [(str(pair[0]), pair[1] if isinstance(pair[1], str) else "") for pair in pairs]
    half, odd = divmod(len(found), 2)
    alike = [one[1] for one in found[:half]] == [other[1] for other in found[half:]]
    if half and not odd and alike and found[0][0] and not any(text for text, _ in found[half:]):
        return found[:half]
    return found


def are_contexts(pairs: list[Pair]) -> bool:
    """Whether the choices are contexts, as in WinoGrande, before one continuation."""
    return len({after for _, after in pairs}) == 1 < len({before for before, _ in pairs})


def gold_of(sample: dict, pairs: list[Pair], logprobs: list[float]) -> tuple[int, ...]:
    """Places of the right choices; empty if the sample does not show them.

    A target is a place, a list of places or the text of a choice. Where the choices are contexts it
    is neither, but of two the value of `acc` tells which is right.
    """
    if are_contexts(pairs):
        best = max(range(len(logprobs)), key=logprobs.__getitem__)
        known = len(logprobs) == 2 and sample.get("acc") in (0, 1)
        return (best if sample["acc"] else 1 - best,) if known else ()
    target = sample.get("target")
    if isinstance(target, str):
        try:
            target = json.loads(target)
        except ValueError:
            texts = [after.strip() for _, after in pairs]
            target = texts.index(target.strip()) if target.strip() in texts else None
    listed = target if isinstance(target, list) else [target]
    if not all(type(place) is int and 0 <= place < len(logprobs) for place in listed):
        return ()
    return tuple(listed)


def finder(prompt: dict[str, Any]) -> Find:
    """How questions are found in the contexts of a task.

    Without examples that is all of it. Else it is what `doc_to_text` gives, if that names a column
    or only puts columns into a text, or the last block: nothing else of a file is computed.

    Args:
        prompt: of the task's configuration `doc_to_text`, `fewshot_delimiter`, and `num_fewshot`.
    """
    written, delimiter = prompt.get("doc_to_text"), prompt.get("fewshot_delimiter") or BREAK
    if not prompt.get("num_fewshot"):
        return lambda doc, context: context

    def find(doc: dict, context: str) -> str:
        made = _filled(written, doc) if isinstance(written, str) else ""
        if made.strip() and context.rstrip().endswith(made.rstrip()):
            return made
        return context.rpartition(delimiter)[2]

    return find


def _filled(written: str, doc: dict) -> str:
    """A text with the document's columns in it; empty if it asks for more than columns."""
    if written in doc:
        return str(doc[written])
    made = COLUMN.sub(lambda found: str(doc.get(found[1], "")), written)
    return "" if "{{" in COLUMN.sub("", written) or "{%" in written else made


def texts_of(sample: dict, pairs: list[Pair], gold: tuple[int, ...], find: Find) -> dict[str, Any]:
    """The fields of the item's texts: question, choices, gold, answers."""
    if not pairs:
        return {"question": "", "choices": [], "gold": list(gold), "answers": []}
    if are_contexts(pairs):
        contexts = [find(sample["doc"], before) for before, _ in pairs]
        start = os.path.commonprefix(contexts)
        start = start[: max(start.rfind(" "), start.rfind("\n")) + 1]
        choices = [context.removeprefix(start) for context in contexts]
        text = f"{start}…{pairs[0][1]}"
        return {"question": text, "choices": choices, "gold": list(gold), "answers": []}
    question = find(sample["doc"], pairs[0][0])
    after = [text.strip() for _, text in pairs]
    if len(pairs) > 1:
        return {"question": question, "choices": after, "gold": list(gold), "answers": []}
    target = sample.get("target")
    answers = [] if target is None else [after[0] or str(target)]
    return {"question": question, "choices": [], "gold": [], "answers": answers}
