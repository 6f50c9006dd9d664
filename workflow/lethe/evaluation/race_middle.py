"""RACE-middle in the form that lm-eval's `race` expects: one document per passage."""

import datasets


def process_docs(rows: datasets.Dataset) -> datasets.Dataset:
    """Passages with all their questions, from rows with one question each.

    lm-eval scores the last question of a passage and shows the earlier ones with their answers.

    Args:
        rows: columns article, question, options, answer (a letter).
    """
    passages: dict[str, list[dict]] = {}
    for row in rows:
        problem = {key: row[key] for key in ("question", "answer", "options")}
        passages.setdefault(row["article"], []).append(problem)
    return datasets.Dataset.from_list(
        [{"article": article, "problems": str(problems)} for article, problems in passages.items()]
    )
