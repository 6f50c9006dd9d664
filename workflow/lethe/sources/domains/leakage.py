"""The leakage rules of the domains, counted on what is written; a violation stops the build."""

from lethe.errors import UserError
from lethe.sources.domains.lexicon import DOMAINS, EVIDENCE, GROUPS, group_of
from lethe.sources.domains.words import Group

RULES = {
    "texts_in_two_splits": "a text is in two splits of one file",
    "held_heads_in_training": "a corpus is trained on the beginning of an evaluated sentence",
    "classes_told_of_domain_stems": "the general corpus tells the class of a domain's stem",
    "evidence_in_questions": "a text whose class is asked for has a word that tells a class",
    "labelled_stems_in_tests": "an end task is tested on a stem that it is trained on",
    "words_in_dev_and_test": "an end task has a word in dev and in test",
    "words_of_both_groups": "both groups have a stem, or a word that tells a class",
}
SPLITS = ("train", "dev", "test")
Rows = dict[str, list[dict]]


def count_leaks(files: Rows, groups: dict[str, Group]) -> dict[str, int]:
    """Violations by rule (`RULES`); all must be 0.

    Args:
        files: rows by name, as they are written.
        groups: the words that they were made of.
    """
    folders = ["corpus", *(f"domains/{domain}" for domain in DOMAINS)]
    ends = [f"end_tasks/{domain}/{{}}-{fold}.jsonl" for domain in DOMAINS for fold in (1, 2)]
    evidence = {word for c in EVIDENCE.values() for words in c.values() for word in words}
    asked = [n for n in files if n.startswith("end_tasks/") or "cloze" in n]
    words = {
        word
        for group in groups.values()
        for stem in group.attributes
        for word in (stem + suffix for suffix in group.suffixes)
    }
    return {
        "texts_in_two_splits": sum(
            _shared(files, pattern)
            for pattern in [*(f"{folder}/{{}}.jsonl" for folder in folders), *ends]
        ),
        "held_heads_in_training": sum(_held_heads(files, folder) for folder in folders),
        "classes_told_of_domain_stems": sum(
            not words.isdisjoint(text) and not evidence.isdisjoint(text)
            for name in files
            if name.startswith("corpus/")
            for text in (row["text"].split() for row in files[name])
        ),
        "evidence_in_questions": sum(
            not evidence.isdisjoint(row["text"].split()) for name in asked for row in files[name]
        ),
        "labelled_stems_in_tests": sum(
            len(_clusters(files, end, "train") & _clusters(files, end, split))
            for end in ends
            for split in ("dev", "test")
        ),
        "words_in_dev_and_test": sum(
            len(_invented(files, end, "dev", groups) & _invented(files, end, "test", groups))
            for end in ends
        ),
        "words_of_both_groups": _of_both(groups),
    }


def _shared(files: Rows, pattern: str) -> int:
    """Texts in two splits; a training text that is repeated counts once."""
    texts = [{row["text"] for row in files[pattern.format(split)]} for split in SPLITS]
    return sum(len(texts[a] & texts[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def _held_heads(files: Rows, folder: str) -> int:
    """Training texts that begin as an evaluated one of their domain does, up to its last words."""
    held = {
        _head(row["text"])
        for name, rows in files.items()
        if name.startswith(folder) and "train" not in name
        for row in rows
    }
    for domain in DOMAINS:
        if folder == f"domains/{domain}":
            held |= {
                _head(row["text"])
                for split in ("dev", "test")
                for fold in (1, 2)
                for row in files[f"end_tasks/{domain}/{split}-{fold}.jsonl"]
            }
    return sum(_head(row["text"]) in held for row in files[f"{folder}/train.jsonl"])


def _head(text: str) -> str:
    """What stands before the tail: everything up to the comma or the colon."""
    words = text.split()
    return " ".join(words[: next(n for n, word in enumerate(words) if word in ",:")])


def _clusters(files: Rows, end: str, split: str) -> set[str]:
    return {row["cluster"] for row in files[end.format(split)]}


def _invented(files: Rows, end: str, split: str, groups: dict[str, Group]) -> set[str]:
    group = groups[group_of(end.split("/")[1])]
    suffixes = tuple(group.suffixes)
    return {
        word
        for row in files[end.format(split)]
        for word in row["text"].split()
        if word.startswith(row["cluster"]) and word.endswith(suffixes)
    }


def _of_both(groups: dict[str, Group]) -> int:
    stems = [groups[name].general.keys() | groups[name].attributes.keys() for name in GROUPS]
    told = [{word for words in EVIDENCE[name].values() for word in words} for name in GROUPS]
    return len(stems[0] & stems[1]) + len(told[0] & told[1])


def check(counts: dict[str, int]) -> None:
    """Raise UserError with every broken rule."""
    broken = [f"{RULES[name]} ({count} times)" for name, count in counts.items() if count]
    if broken:
        raise UserError(
            "The generated domains leak: " + "; ".join(broken) + ". Correct their words or "
            "sentences (workflow/lethe/sources/domains)."
        )
