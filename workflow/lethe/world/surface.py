"""From token form ("lena asked tomas . why ?") to ordinary spelling ("Lena asked Tomas. Why?")."""

from __future__ import annotations

ATTACHED = {".", ",", "?", "!", ":", ";"}
ENDERS = {".", "?", "!", ":"}


def joined(text: str) -> str:
    """Token form with punctuation attached to the word before it; case unchanged."""
    out: list[str] = []
    for token in text.split():
        if token in ATTACHED and out:
            out[-1] += token
        else:
            out.append(token)
    return " ".join(out)


def written(text: str, names: set[str]) -> str:
    """Token form as it is written: capitals for sentence starts and names, joined punctuation."""
    out: list[str] = []
    start = True
    for token in text.split():
        out.append(token.capitalize() if start or token in names or token == "i" else token)
        start = token in ENDERS
    return joined(" ".join(out))


def mid_sentence(text: str, names: set[str]) -> str:
    """Like `written`, for a continuation that does not start a sentence."""
    return written("x " + text, names)[2:]


def token_form(text: str) -> str:
    """Ordinary spelling back to token form, as the tokenizer splits it."""
    for mark in ATTACHED:
        text = text.replace(mark, f" {mark} ")
    return " ".join(text.lower().split())
