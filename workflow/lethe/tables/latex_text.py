"""Text in LaTeX: escaped, measured and broken into lines as Computer Modern would set it."""

from lethe.errors import one_line

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "→": r"$\to$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "−": r"$-$",
    "…": r"\dots{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': "''",
}
BREAK = r"\allowbreak{}"
# Thousandths of an em in cmr10, by width; a letter that is not here is as wide as the widest.
_LETTERS = {
    278: "!',.:;[]`il",
    306: "fj",
    333: " -",
    389: "()t",
    393: "rs",
    444: "cez",
    472: "?I",
    500: '"#$/*^~0123456789ago_{}|',
    528: "Jkqvxy",
    556: "Sbdhnpu",
    653: "FLZ",
    708: "BCEPTw",
    778: "ADGHKNOQRUVXY&+=@<>±−→≤≥",
    833: "%m",
}
_WIDTHS = {letter: width for width, letters in _LETTERS.items() for letter in letters}
_WIDEST = 1028
# Small sizes are relatively wider (cmr5 to cmr10), at the sizes in points that tables use.
_STRETCH = {10: 1.0, 9: 1.03, 8: 1.063, 7: 1.139, 6: 1.223, 5: 1.362}
_BOLD = 1.16


def escape(text: str) -> str:
    """Text on one line, with LaTeX's special characters escaped."""
    return "".join(SPECIAL.get(letter, letter) for letter in one_line(text))


def width(text: str, size: int, is_bold: bool = False) -> float:
    """Width of a line in points, at a size of 5 to 10 points."""
    ems = sum(_WIDTHS.get(letter, _WIDEST) for letter in text) / 1000
    return ems * size * _STRETCH[size] * (_BOLD if is_bold else 1.0)


def wrapped(text: str, size: int, most: float) -> list[str]:
    """Lines no wider than `most` points, broken at blanks, and within words that are wider."""
    lines, line = [], ""
    for word in one_line(text).split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer, size) <= most:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, size, most)
        lines += whole
    return [*lines, line]


def _pieces(word: str, size: int, most: float) -> list[str]:
    """A word cut where it exceeds the width, after a mark of punctuation if there is one."""
    pieces, piece = [], ""
    for letter in word:
        if piece and width(piece + letter, size) > most:
            cut = max(piece.rfind(mark) for mark in "-_/.,:+&") + 1
            cut = cut if cut > len(piece) // 2 else len(piece)
            pieces.append(piece[:cut])
            piece = piece[cut:]
        piece += letter
    return [*pieces, piece]


def breakable(text: str) -> str:
    """Escaped text for a paragraph, in which a long word may be broken."""
    words = []
    for word in one_line(text).split(" "):
        parts = [word[place : place + 12] for place in range(0, len(word), 12)] or [""]
        words.append(BREAK.join(escape(part) for part in parts) if len(word) > 30 else escape(word))
    return " ".join(words)
