"""Prompts as the user's turn of a chat, written by the chat template of a model's tokenizer.

A chat is {"system": text of the system prompt, or null}, as in the specs of nodes. The text is the
one that lm-eval gives a model with `--apply_chat_template --system_instruction`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from lethe.errors import UserError
from lethe.parameters.prompt_templates import wrapped

Chat = Mapping[str, Any]
PROBE = 'A <b>"prompt"</b> & its\n  second line: it\'s {here} \\ 你好.'
"""A prompt with all that a template might escape, split or tidy up."""


def require_chat(tokenizer, chat: Chat, name: str) -> None:
    """Refuse a tokenizer that cannot write this chat, or writes another one every day.

    Args:
        name: the model, in messages.

    Raises:
        UserError: no template, several without a default, one that writes the date, one that
            changes a user's text, or one that takes no system prompt (lm-eval would leave it out
            in silence).
    """
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, dict):
        template = template.get("default")
    if not template:
        raise UserError(
            f"{name}: `chat` needs a chat template in the tokenizer's files (chat_template.jinja "
            "or `chat_template` in tokenizer_config.json), found none; write the text around "
            "prompts into the tasks' `template` instead."
        )
    if "strftime_now" in template:
        raise UserError(
            f"{name}: its chat template writes today's date (strftime_now), so that no score could "
            "be repeated; write a fixed date into the template of a copy of the model."
        )
    try:
        text = chat_prompt(tokenizer, PROBE, chat)
    except jinja2.exceptions.TemplateError as error:
        raise UserError(
            f"{name}: its chat template cannot write a system prompt and a prompt: {error}; if it "
            "takes no system prompt, set `chat: true`."
        ) from None
    if PROBE not in text:
        raise UserError(
            f"{name}: its chat template leaves out or changes a user's text: of {PROBE!r} it makes "
            f"{text!r}; correct the template in a copy of the model, or write the text around "
            "prompts into the tasks' `template` instead."
        )
    if chat["system"] and chat["system"].strip() not in text:
        raise UserError(
            f"{name}: its chat template leaves out the system prompt {chat['system']!r}; set "
            "`chat: true` and write it into the tasks' `template`."
        )


def chat_prompt(tokenizer, prompt: str, chat: Chat) -> str:
    """The text of a chat up to where the answer begins."""
    system = [] if chat["system"] is None else [{"role": "system", "content": chat["system"]}]
    return tokenizer.apply_chat_template(
        [*system, {"role": "user", "content": prompt}],
        tokenize=False,
        add_generation_prompt=True,
        continue_final_message=False,
    )


def chat_rows(tokenizer, rows: Sequence[dict], template: str, chat: Chat) -> list[dict]:
    """The rows with their prompts, in a task's template, as chats; documents stay as they are."""
    if "text" in rows[0]:
        return list(rows)
    return [
        {**row, "prompt": chat_prompt(tokenizer, wrapped(template, row["prompt"]), chat)}
        for row in rows
    ]
