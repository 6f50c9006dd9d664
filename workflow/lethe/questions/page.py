"""A set's items as a page of HTML: it needs no script, no network, and may be printed.

Texts come from anywhere. They are shown letter by letter, and nothing in them can act.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from lethe.errors import one_line
from lethe.longtables.questions import Question
from lethe.questions.changes import BETTER, KINDS, LOST, REGAINED, WORSE, Answer, answer_of, mark
from lethe.questions.lines import LineItems

Answers = Mapping[str, Mapping[str, Mapping[str, Any]]]
MOST_ITEMS = 300
"""Items on one page; every line has the same part of them."""
LONGEST_TEXT = 2000
"""Letters of a text that a page shows."""
LOSSES, GAINS = (LOST, WORSE), (REGAINED, BETTER)
NO_TEXTS = "The texts of this set are not kept; its log says why."
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.45 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 1rem auto;
  padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: .4rem 0; }}
td, th {{ padding: .1rem .7rem .1rem 0; text-align: left; vertical-align: top; }}
td.n, th.n {{ text-align: right; }}
th {{ font-weight: 600; border-bottom: 1px solid #999; }}
.scroll {{ overflow-x: auto; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
article {{ border-top: 1px solid #ccc; padding: .6rem 0; break-inside: avoid; }}
article p {{ margin: .2rem 0; }}
ol.choices {{ list-style: upper-alpha; margin: .2rem 0; }}
.gold {{ font-weight: 600; }}
.small {{ color: #555; font-size: .85rem; }}
summary {{ cursor: pointer; font-weight: 600; margin: .5rem 0; }}
</style>
</head>
<body>
"""
EXPLAINED = (
    "Every line of the study is compared from its base to its last stage; what a stage teaches, "
    "from that stage on. Lost: right before, wrong after. Of each line its first run is shown, the "
    "items whose margin fell furthest first. Margin: log-probability of the right answer less that "
    "of the best wrong one, in nats. ✓ right, ✗ wrong; a number stands for an answer that is "
    "graded from 0 to 1."
)


def set_page(
    probe: str,
    found: Sequence[LineItems],
    texts: Mapping[str, Question],
    answers: Answers,
) -> str:
    """The page of one set.

    Args:
        texts: of the items that `shown_items` names; empty if none are kept.
        answers: of each node by item, with the columns of `changes.ANSWERED`.
    """
    parts = [HEAD.format(title=f"Items of {inert(probe)}"), f"<h1>{inert(probe)}</h1>\n"]
    parts.append(f"<p>{EXPLAINED}</p>\n")
    if not texts:
        parts.append(f"<p>{NO_TEXTS}</p>\n")
    parts.append(_summary(found))
    for line in found:
        parts += _line(line, len(found), texts, answers)
    parts.append("</body>\n</html>\n")
    return "".join(parts)


def shown_items(line: LineItems, lines: int) -> dict[str, list[str]]:
    """Ids of the losses and of the gains of a line that its page shows; the worst first.

    lines: how many share the page.
    """
    most = max(MOST_ITEMS // max(lines, 1), 2)
    kinds = line.rows["kind"]
    lost = list(line.rows.index[kinds.isin(LOSSES)])
    gained = list(line.rows.index[kinds.isin(GAINS)])
    few = min(len(gained), max(most // 4, most - len(lost)))
    return {"lost": lost[: most - few], "regained": gained[:few]}


def inert(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text as HTML that shows it; what cannot be seen is written out, and lines stay lines."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return escape("\n".join(one_line(line) for line in cut.split("\n")))


def _summary(found: Sequence[LineItems]) -> str:
    kinds = [kind for kind in KINDS if any(kind in line.counts for line in found)]
    heads = "".join(f'<th class="n">{kind}</th>' for kind in kinds)
    rows = [
        f"<tr><td>{inert(line.name)}</td><td>{inert(line.ends)}</td>"
        f'<td class="n">{len(line.rows)}</td>'
        + "".join(f'<td class="n">{line.counts.get(kind, 0)}</td>' for kind in kinds)
        + "</tr>\n"
        for line in found
    ]
    return (
        '<div class="scroll"><table>\n<tr><th>line</th><th>from, to</th><th class="n">items</th>'
        f"{heads}</tr>\n{''.join(rows)}</table></div>\n"
    )


def _line(
    line: LineItems,
    lines: int,
    texts: Mapping[str, Question],
    answers: Answers,
) -> Iterator[str]:
    yield f"<h2>{inert(line.name)}</h2>\n"
    counts = line.counts
    of = {"lost": LOSSES, "regained": GAINS}
    for what, ids in shown_items(line, lines).items():
        if not ids:
            continue
        kind = next(kind for kind in of[what] if kind in counts)
        total = counts[kind]
        few = f", of which the first {len(ids)}" if len(ids) < total else ""
        # Losses are what the page is for; printers show what is open.
        opened = " open" if what == "lost" else ""
        yield f"<details{opened}><summary>{total} {kind}{few}</summary>\n"
        for name in ids:
            yield _item(line, name, texts.get(name), answers)
        yield "</details>\n"


def _item(line: LineItems, name: str, question: Question | None, answers: Answers) -> str:
    runs = ""
    if line.runs > 1:
        lost, of = line.rows.at[name, "runs_lost"], line.rows.at[name, "runs_with"]
        runs = f", lost in {lost} of {of} runs"
    parts = [f'<article>\n<p class="small">item {inert(name)}{runs}</p>\n']
    if question is not None:
        parts.append(_question(question))
    parts.append('<div class="scroll"><table>\n')
    parts.append('<tr><th>checkpoint</th><th></th><th>answer</th><th class="n">margin</th></tr>\n')
    for stage, node in line.stages:
        if name in answers[node]:
            given = answer_of(answers[node][name], question)
            cells = _cells(given, line.is_graded)
            parts.append(f"<tr><td>{inert(stage)}</td>{cells}</tr>\n")
    parts.append("</table></div>\n</article>\n")
    return "".join(parts)


def _question(question: Question) -> str:
    parts = [f'<p class="text" dir="auto">{inert(question.text)}</p>\n' if question.text else ""]
    if question.choices:
        rows = [
            f'<li class="text{" gold" if place in question.gold else ""}" dir="auto">'
            f"{inert(choice)}{' ✓' if place in question.gold else ''}</li>\n"
            for place, choice in enumerate(question.choices)
        ]
        parts.append(f'<ol class="choices">\n{"".join(rows)}</ol>\n')
    right = [inert(text) for text in question.answers]
    if right:
        parts.append(f'<p class="text gold" dir="auto">{" / ".join(right)} ✓</p>\n')
    return "".join(parts)


def _cells(given: Answer, graded: bool) -> str:
    text = inert(given.text)
    if given.choice is not None:
        text = f"{letter(given.choice)}{': ' if text else ''}{text}"
    margin = "" if given.margin is None else f"{given.margin:+.2f}"
    shown = f'<td>{mark(given.correct, graded)}</td><td class="text" dir="auto">{text}</td>'
    return f'{shown}<td class="n">{margin}</td>'


def letter(choice: int) -> str:
    """The letter of a choice, A for the first; its number beyond Z."""
    return chr(ord("A") + choice) if choice < 26 else str(choice + 1)
