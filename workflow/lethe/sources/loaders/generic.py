"""A user's own table: prompts with responses, or texts."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lethe.sources.loaders.registry import Form, Loader, is_blank, is_text, register, text_of


def _are_responses(value: Any) -> bool:
    entries = value if isinstance(value, list) else [value]
    return all(entry is None or is_text(entry) for entry in entries)


@register("generic")
class Generic(Loader):
    """The columns `prompt` and `response`, or `text`; other names go into `parameters.columns`.

    A `response` may be a list: the first is learned, and all count as right in testing.
    """

    layouts = ({"prompt": "prompt", "response": "response"}, {"text": "text"})
    needed = ("train",)
    forms = {"response": Form("text or a list of texts", _are_responses)}
    process = "process_generic"

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if "text" in row:
                if is_blank(row["text"]):
                    dropped["text is empty or blank"] += 1
                    continue
                yield {"text": row["text"]}
                continue
            right = row["response"] if isinstance(row["response"], list) else [row["response"]]
            right = [text_of(response) for response in right if not is_blank(response)]
            if is_blank(row["prompt"]) or not right:
                dropped["prompt or response is empty or blank"] += 1
                continue
            yield {"prompt": row["prompt"], "response": right[0], "references": right}
