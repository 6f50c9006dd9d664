"""Durations as people say them."""


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
