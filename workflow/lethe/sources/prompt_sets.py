"""Prompt sets (phrasings of one instruction; every example gets one at random), and wrappers.

The procedure follows Scialom et al. 2022 (github.com/ThomasScialom/T0_continual_learning,
data_handler.py): a generator seeded with 666 for every split and prompt set draws one phrasing per
example, in the order of the rows. Python's generator gives the same draws in every version.

A wrapper is text around a prompt, the same in training and in testing.
"""

import random
import re
from dataclasses import dataclass

from lethe.parameters.prompt_templates import holds_prompt

PROMPT_SEED = 666


@dataclass(frozen=True)
class PromptSet:
    """Phrasings with fields in square brackets, filled in the order of `fields`."""

    phrasings: tuple[str, ...]
    fields: tuple[str, ...]

    def render(self, values: dict, generator: random.Random) -> tuple[str, dict]:
        """The prompt of one example with a drawn phrasing, and extra columns of the example."""
        return self._fill(generator.choice(self.phrasings), values), {}

    def read(self, prompt: str) -> dict[str, str]:
        """The values of the fields in a prompt made elsewhere; empty if no phrasing fits it."""
        for phrasing in self.phrasings:
            match = re.fullmatch(self._pattern(phrasing), prompt, re.DOTALL)
            if match:
                return match.groupdict()
        return {}

    def _fill(self, phrasing: str, values: dict) -> str:
        # In one pass: a value may hold what looks like a field.
        fields = "|".join(map(re.escape, self.fields))
        return re.sub(rf"\[({fields})\]", lambda field: values[field[1]], phrasing)

    def _pattern(self, phrasing: str) -> str:
        pattern = re.escape(phrasing)
        for name in self.fields:
            pattern = pattern.replace(re.escape(f"[{name}]"), f"(?P<{name}>.*)", 1)
        return pattern


@dataclass(frozen=True)
class ConstrainedPromptSet(PromptSet):
    """Phrasings that ask for a word of the response: its `first`, a `contained` or its `last`."""

    kind: str = "first"

    def render(self, values: dict, generator: random.Random) -> tuple[str, dict]:
        phrasing = generator.choice(self.phrasings)
        words = values["response"].split()
        place = {"first": 0, "last": len(words) - 1}.get(self.kind)
        if place is None:
            place = generator.randint(0, len(words) - 1)
        word = words[place]
        prompt = self._fill(phrasing, {**values, "TO_REPLACE_1": word})
        return prompt, {"constraint": {"kind": self.kind, "word": word}}

    def read(self, prompt: str) -> dict:
        values = super().read(prompt)
        if not values:
            return {}
        return {**values, "constraint": {"kind": self.kind, "word": values["TO_REPLACE_1"]}}


PLAIN = PromptSet(("[prompt]",), ("prompt",))


# The released code of Luo et al. 2023 (github.com/LuoXiaoHeics/Continual-Tune, train.py at
# 3dfa556) breaks the preamble's line inside a string, which leaves 25 blanks in the sentence.
# It has no headers "### Instruction:" and "### Input:".
_PREAMBLE = (
    "Below is an instruction that describes a task, paired with an input that provides{blanks}"
    "further context. Write a response that appropriately completes the request.\n\n"
    "{{prompt}}\n\n### Response:"
)
WRAPPERS = {
    "none": "{prompt}",
    "luo2023": _PREAMBLE.format(blanks=" " * 25),
    "luo2023-one-blank": _PREAMBLE.format(blanks=" "),
}


def wrapper(value: str) -> str:
    """The text of a named wrapper, or the user's own text if it holds `{prompt}` once.

    Raises:
        ValueError: neither a known name nor such a text.
    """
    text = WRAPPERS.get(value, value)
    if not holds_prompt(text):
        raise ValueError(f"{', '.join(WRAPPERS)} or a text that holds one {{prompt}}")
    return text
