"""Durations as people say them, and how long jobs that are left will take."""

from collections.abc import Iterable, Mapping


def duration_words(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `48 min`, `2 h 10 min`."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if whole < 100:
        return f"{whole} s"
    if minutes < 10:
        return f"{minutes} min {rest:02} s"
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def seconds_left(
    waiting: Mapping[str, int],
    running: Iterable[tuple[str, float]],
    means: Mapping[str, float],
    at_once: float,
) -> float | None:
    """Seconds until all jobs are done, or None while too few of them have a rule that is known.

    Args:
        waiting: number of jobs that have not begun, by rule.
        running: (rule, seconds so far) of those that have.
        means: seconds that finished jobs took, by rule.
        at_once: how many jobs run side by side.
    """
    begun = list(running)
    of_rules = [*begun, *((rule, 0.0) for rule, count in waiting.items() for _ in range(count))]
    known = sum(rule in means for rule, _ in of_rules)
    if not of_rules or known * 2 < len(of_rules):
        return None
    other = sum(means.values()) / len(means)
    work = [max(means.get(rule, other) - spent, 0.0) for rule, spent in of_rules]
    # One after another they would take the sum; the longest that has begun takes its own time.
    longest = max(work[: len(begun)], default=0.0)
    return max(sum(work) / max(at_once, 1.0), longest)
