"""Texts around a prompt: a task's `template` and a source's `wrapper`."""

PLACE = "{prompt}"


def holds_prompt(text: str) -> bool:
    """Whether a text has one place for a prompt. Other braces are text, as in JSON."""
    return text.count(PLACE) == 1


def wrapped(text: str, prompt: str) -> str:
    """The prompt in its place; other braces in both are left unchanged."""
    return text.replace(PLACE, prompt)
