"""General instructions: the 52,000 of Alpaca (Taori et al. 2023)."""

from collections import Counter
from collections.abc import Iterator

from lethe.sources.loaders.registry import Loader, is_blank, register

# The two prompts of Alpaca (github.com/tatsu-lab/stanford_alpaca, train.py).
WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
WITHOUT_INPUT = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)


@register("alpaca")
class Alpaca(Loader):
    """An instruction with an optional input, in Alpaca's own prompts or `bare`."""

    layouts = ({"instruction": "instruction", "input": "input", "response": "output"},)
    needed = ("train",)
    max_new_tokens = 256

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            if is_blank(row["instruction"]) or is_blank(row["response"]):
                dropped["instruction or output is empty or blank"] += 1
                continue
            text = {"instruction": row["instruction"], "input": row["input"] or ""}
            if self.values["bare"]:
                prompt = "\n\n".join(filter(None, text.values()))
            else:
                prompt = (WITH_INPUT if text["input"] else WITHOUT_INPUT).format(**text)
            yield {"prompt": prompt, "response": row["response"]}
