"""What is written around a prompt before a model sees it, in training and in testing alike."""

from lethe.errors import UserError

# The released code of Luo et al. 2023 (github.com/LuoXiaoHeics/Continual-Tune, train.py at
# 3dfa556) breaks the preamble's line inside a string, which leaves 25 blanks in the sentence.
# There are no headers "### Instruction:" and "### Input:".
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


def wrapper(value: str, where: str) -> str:
    """The text of a named wrapper, or a text of one's own that holds `{prompt}`.

    Raises:
        UserError: neither a known name nor a text with `{prompt}`; `where` names the key.
    """
    text = WRAPPERS.get(value, value)
    if "{prompt}" not in text:
        raise UserError(
            f"{where}: expected {', '.join(WRAPPERS)} or a text that holds {{prompt}}, "
            f"found {value!r}."
        )
    return text


def wrapped(text: str, prompt: str) -> str:
    """The prompt in its wrapper; braces of either stay as they are."""
    return text.replace("{prompt}", prompt)
