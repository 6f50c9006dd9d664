"""Filters: the ways in which a task reads answers off generated text, each with its own scores."""

PLAIN = "none"
"""lm-eval's name of the one filter of a task whose YAML lists none."""


def name_of(metric: str, filtered: str, filters: tuple[str, ...]) -> str:
    """A metric's name in scores: with its filter, as lm-eval writes it, if there are several.

    `exact_match,strict-match`; the filter of a task that names none, `PLAIN`, is left out.
    """
    return metric if len(filters) == 1 or filtered == PLAIN else f"{metric},{filtered}"


def metric_of(name: str) -> str:
    """The metric of a name in scores, without its filter."""
    return name.partition(",")[0]


def joined(samples: list[dict]) -> list[dict]:
    """One sample per document, with the metrics of all filters, each under its name in scores.

    Its response is that of the first filter.

    Args:
        samples: lm-eval's logged samples, those of one filter after those of another, each in the
            order of the documents.
    """
    filters = tuple(dict.fromkeys(sample["filter"] for sample in samples))
    by_filter = [[sample for sample in samples if sample["filter"] == f] for f in filters]
    return [_joined(of_document, filters) for of_document in zip(*by_filter, strict=True)]


def _joined(samples: tuple[dict, ...], filters: tuple[str, ...]) -> dict:
    values = {
        name_of(metric, sample["filter"], filters): sample[metric]
        for sample in samples
        for metric in sample["metrics"]
    }
    return {**samples[0], **values, "metrics": list(values)}
