"""InqQG: the question that a text answers (ELI5, Fan et al. 2019)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lethe.sources.loaders.registry import Form, Loader, is_blank, is_number, register
from lethe.sources.prompt_sets import PromptSet

# The phrasings of T0_continual_learning, configs/eli5.json.
FIRST = (
    'Given the following text, what could have been an inquisitive question: "[text]"',
    'Given the following text, write the possible curious question it answers: "[text]"',
    'Write an inquisitive question about the following text: "[text]"',
    "[text]\n\n===\n\nGiven the above text, write the possible curious question it answers:",
)
SECOND = ('Write an inquisitive question given the following text: "[text]"',)


def _are_answers(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return True
    if isinstance(value, dict):
        texts, scores = value.get("text"), value.get("score")
        if not isinstance(texts, list) or not isinstance(scores, list) or len(texts) != len(scores):
            return False
        value = [{"text": text, "score": score} for text, score in zip(texts, scores, strict=True)]
    return isinstance(value, list) and all(
        isinstance(answer, dict)
        and isinstance(answer.get("text"), str)
        and is_number(answer.get("score"))
        for answer in value
    )


@register("eli5")
class Eli5(Loader):
    """Questions that start with W or H and have one question mark, with their best answer.

    `answers` is one answer, or the original's {text: [...], score: [...]}, of which the answer with
    the highest score is taken (the first of equals).
    """

    layouts = (
        {"response": "title", "answers": "answers"},
        {"response": "question", "answers": "goldenAnswer"},
        {"response": "question", "answers": "answer"},
    )
    forms = {"answers": Form("an answer, or answers each with a text and a score", _are_answers)}
    train_sets = {
        "generate_a_question_1": PromptSet(FIRST, ("text",)),
        "generate_a_question_2": PromptSet(SECOND, ("text",)),
    }
    test_sets = {"generate_a_question_1": train_sets["generate_a_question_1"]}

    def fields(self, rows: Iterator[dict], dropped: Counter) -> Iterator[dict]:
        for row in rows:
            question = row["response"] or ""
            if question[:1] not in ("W", "H") or question.count("?") != 1:
                dropped["not a question with W or H and one question mark"] += 1
                continue
            text = _best(row["answers"])
            if is_blank(text):
                dropped["no answer"] += 1
                continue
            yield {"text": text, "response": question}


def _best(answers) -> str:
    if isinstance(answers, str) or answers is None:
        return answers or ""
    if not isinstance(answers, dict):
        answers = {key: [answer[key] for answer in answers] for key in ("text", "score")}
    if not answers["score"]:
        return ""
    return answers["text"][answers["score"].index(max(answers["score"]))]
