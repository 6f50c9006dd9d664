"""Small made-up packages in the forms that the real data is made from: no word of them is real."""

import json
from pathlib import Path

import numpy as np

from lethe.sources.real.packages import Part

COMMON, RARE, PAIRS, COUNTRIES, DOCUMENTS = 150, 90, 40, 40, 10
SMALL = {
    "seed": 0,
    "items": {"test": 16, "dev": 8},
    "rows": {"train": 12, "dev": 4, "test": 4},
    "prose": {"words": 40, "train": 6, "dev": 3, "test": 4},
}
"""Values of `RealParameters` for which these packages have enough."""
FILLERS = 300


def made_up_words(count: int, seed: int) -> list[str]:
    """Different words of eight letters, no two with the same beginning."""
    rng, found = np.random.default_rng(seed), {}
    while len(found) < count:
        places = [rng.choice(list(letters)) for letters in ("bcdfgklmnprstvz", "aeiou") * 4]
        word = "".join(places)
        found.setdefault(word[:4], word)
    return list(found.values())


def make_packages(folder: Path) -> dict[str, Path]:
    """Folders of packages by part."""
    words = made_up_words(COMMON + RARE + FILLERS + 60, 1)
    nouns, fillers = words[: COMMON + RARE], words[COMMON + RARE + 60 :]
    kinds = words[COMMON + RARE : COMMON + RARE + 60]
    folders = {
        part: folder / part for part in ("wordnet", "speeches", "novel", "countries", "manual")
    }
    for path in folders.values():
        path.mkdir(parents=True)
    _wordnet(folders["wordnet"] / "dict", nouns, kinds, fillers)
    _capitals(folders["countries"])
    _prose(folders, nouns, fillers)
    lines = [
        f'def {name}(x):\n    """Return the `{name}` of a {other} and nothing else."""\n'
        for name, other in zip(fillers[:60], fillers[60:120], strict=True)
    ]
    # Whoever imports the package, instead of reading it, fails.
    (folders["manual"] / "functions.py").write_text("".join(lines) + 'raise SystemExit("run")\n')
    return folders


def parts_of(folders: dict[str, Path]) -> dict[str, Part]:
    """Parts as `build_real` takes them, each made from the package `some-PART 1.0`."""
    return {name: Part(name, folder, f"some-{name} 1.0") for name, folder in folders.items()}


def _wordnet(folder: Path, nouns: list[str], kinds: list[str], fillers: list[str]) -> None:
    """A tree of nouns five kinds deep, pairs of opposite adjectives, and empty other files."""
    rng = np.random.default_rng(2)
    folder.mkdir()
    lines, senses = {"noun": [], "adj": [], "verb": [], "adv": []}, []

    def add(part, number, field, word, links, gloss, seen):
        digit = {"noun": 1, "adj": 3}[part]
        pointers = "".join(f" {s} {o:08d} {p} {ends}" for s, o, p, ends in links)
        lines[part].append(
            f"{number:08d} {field:02d} {part[0]} 01 {word} 0 {len(links):03d}{pointers} | {gloss}  "
        )
        senses.append(f"{word}%{digit}:{field:02d}:00:: {number:08d} 1 {seen}")

    def gloss(word):
        words = " ".join(fillers[i] for i in rng.integers(0, FILLERS, 5))
        return f'a thing of {words}; "they saw the {word} in the morning of that day"'

    add("noun", 1, 3, "entity", [], "that which is", 0)
    for number, kind in enumerate(kinds):
        above = 1 if number < 4 else 2 + (number - 4) // 3
        add("noun", 2 + number, 5, kind, [("@", above, "n", "0000")], gloss(kind), 0)
    for number, noun in enumerate(nouns):
        kind = 2 + len(kinds) - 1 - number % 40
        seen = 5 if number < COMMON else 0
        add(
            "noun",
            1000 + number,
            5 + number % 9,
            noun,
            [("@", kind, "n", "0000")],
            gloss(noun),
            seen,
        )
    pairs = made_up_words(2 * PAIRS, 3)
    for number, word in enumerate(pairs):
        add("adj", 5000 + number, 0, word, [("!", 5000 + (number ^ 1), "a", "0101")], "so", 3)
    for part, found in lines.items():
        notice = "  1 A licence stands here.\n"
        (folder / f"data.{part}").write_text(notice + "".join(line + "\n" for line in found))
    (folder / "index.sense").write_text("".join(line + "\n" for line in senses))


def _capitals(folder: Path) -> None:
    """Countries in two regions; those that share letters with their capital, or have none, too."""
    names = [name.capitalize() for name in made_up_words(2 * COUNTRIES, 4)]
    pairs = list(zip(names[:COUNTRIES], names[COUNTRIES:], strict=True))
    pairs += [("Lutetia", "Lutetia City"), ("none", "Urbs"), ("Insula, Magna", "Vicus")]
    for number, (country, city) in enumerate(pairs):
        region = folder / ("east" if number % 2 else "west")
        region.mkdir(exist_ok=True)
        government = {
            "Country name": {"conventional short form": {"text": country}},
            "Capital": {"name": {"text": f"{city}; the seat of the court is elsewhere"}},
        }
        path = region / f"{chr(98 + number // 26)}{chr(97 + number % 26)}.json"
        path.write_text(json.dumps({"Government": government}))


def _prose(folders: dict[str, Path], nouns: list[str], fillers: list[str]) -> None:
    rng = np.random.default_rng(5)

    def text() -> str:
        order = iter([*rng.permutation(nouns)[:30]])
        return " ".join(
            "The {} of the {} was {} in the {} by a {} {}.".format(
                *(fillers[i] for i in rng.permutation(FILLERS)[:5]), next(order)
            )
            for _ in range(30)
        )

    (folders["novel"] / "data").mkdir()
    for number in range(DOCUMENTS):
        (folders["speeches"] / f"{1900 + number}_somebody_x.txt").write_text(text())
        chapter = json.dumps({"chapter": str(number), "text": text()})
        (folders["novel"] / "data" / f"chapter_{number}.json").write_text(chapter)
        country = {
            "Introduction": {"Background": {"text": text()}},
            "Economy": {"Economy - overview": {"text": text()}},
        }
        (folders["countries"] / f"a{'abcdefghij'[number]}.json").write_text(json.dumps(country))
