"""Builds the domains: a general corpus, six domain corpora, six end tasks, a tokenizer."""

from pathlib import Path

from lethe.artefacts.jsonlines import write_rows
from lethe.sources.domains.lexicon import (
    DOMAINS,
    GENERAL_TOPICS,
    GROUPS,
    TOPICS,
    Group,
    asked,
    group_of,
    make_groups,
    told,
)
from lethe.sources.domains.tokens import save_tokenizer
from lethe.sources.world.parts import pick, stream


def build_domains(spec: dict, directory: Path) -> dict:
    """Write all files under `directory`.

    Args:
        spec: the world's seed as `seed`, and every value of `DomainsParameters`.
        directory: where the files go.

    Returns:
        Facts for the manifest: the spec and the rows of every file.
    """
    groups = make_groups(spec)
    files = {f"corpus/{split}.jsonl": rows for split, rows in _general(spec, groups).items()}
    for domain in DOMAINS:
        group = groups[group_of(domain)]
        for split, rows in _texts(spec, group, domain).items():
            files[f"domains/{domain}/{split}.jsonl"] = rows
        for split, rows in _end_task(spec, group, domain).items():
            files[f"end_tasks/{domain}/{split}.jsonl"] = rows
    for name, rows in files.items():
        write_rows(directory / name, rows)
    save_tokenizer(
        [row["text"] for rows in files.values() for row in rows], directory / "tokenizer"
    )
    return {"domains": spec, "rows": {name: len(rows) for name, rows in files.items()}}


def _general(spec: dict, groups: dict[str, Group]) -> dict[str, list[dict]]:
    rng = stream(spec["seed"], "domains-general")

    def sentence() -> str:
        name = list(GROUPS)[int(rng.integers(len(GROUPS)))]
        words = groups[name].general
        word = list(words)[int(rng.integers(len(words)))]
        return told(rng, name, pick(rng, GENERAL_TOPICS[name]), word, words[word])

    return _split(sentence, "general", {"train": spec["corpus"], "dev": spec["held_out"]})


def _texts(spec: dict, group: Group, domain: str) -> dict[str, list[dict]]:
    rng = stream(spec["seed"], f"domains-{domain}-texts")
    meaning = group.meaning[domain]

    def sentence() -> str:
        word = list(meaning)[int(rng.integers(len(meaning)))]
        return told(rng, group.name, pick(rng, TOPICS[domain]), word, meaning[word])

    sizes = {"train": spec["texts"], "dev": spec["held_out"], "test": spec["held_out"]}
    return _split(sentence, domain, sizes)


def _split(sentence, name: str, sizes: dict[str, int]) -> dict[str, list[dict]]:
    """Held-out sentences first, each once; training sentences may repeat, but never one of them."""
    held: dict[str, list[dict]] = {}
    seen: set[str] = set()
    for split in [split for split in sizes if split != "train"]:
        held[split] = []
        while len(held[split]) < sizes[split]:
            text = sentence()
            if text not in seen:
                seen.add(text)
                held[split].append({"id": f"{name}-{split}-{len(held[split])}", "text": text})
    train: list[dict] = []
    while len(train) < sizes["train"]:
        text = sentence()
        if text not in seen:
            train.append({"id": f"{name}-train-{len(train)}", "text": text})
    return {"train": train, **held}


def _end_task(spec: dict, group: Group, domain: str) -> dict[str, list[dict]]:
    """An end task whose training, dev and test files use different words."""
    rng = stream(spec["seed"], f"domains-{domain}-end-task")
    meaning = group.meaning[domain]
    by_class = {c: [w for w in meaning if meaning[w] == c] for c in group.classes}
    words: dict[str, dict[str, list[str]]] = {"train": {}, "dev": {}, "test": {}}
    for label, members in by_class.items():
        mixed = rng.permutation(members).tolist()
        first = round(spec["labelled_share"] * len(mixed))
        # A third of the rest is for dev.
        second = first + max(1, (len(mixed) - first) // 3)
        words["train"][label], words["dev"][label] = mixed[:first], mixed[first:second]
        words["test"][label] = mixed[second:]
    sizes = {"train": spec["labelled"], "dev": spec["tested"], "test": spec["tested"]}
    return {
        split: [
            _labelled(rng, group, domain, f"{domain}-{split}-{number}", words[split], number)
            for number in range(size)
        ]
        for split, size in sizes.items()
    }


def _labelled(rng, group: Group, domain: str, name: str, words: dict, number: int) -> dict:
    label = group.classes[number % len(group.classes)]
    text = asked(rng, group.name, pick(rng, TOPICS[domain]), pick(rng, words[label]))
    return {"id": name, "text": text, "label": label}
