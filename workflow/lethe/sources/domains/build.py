"""Builds the domains: a general corpus, six domain corpora, six end tasks, a tokenizer."""

from pathlib import Path

import numpy as np

from lethe.artefacts.files import write_json
from lethe.artefacts.jsonlines import write_rows
from lethe.sources.domains import leakage
from lethe.sources.domains.lexicon import DOMAINS, EVIDENCE, TOPICS, group_of, topics_of
from lethe.sources.domains.sentences import Heads, hidden, told
from lethe.sources.domains.tokens import save_tokenizer
from lethe.sources.domains.words import Group, halves, make_groups
from lethe.sources.world.parts import pick, stream

Files = dict[str, list[dict]]
EVALUATED = ("dev", "test")


def build_domains(spec: dict, directory: Path) -> dict:
    """Write all files under `directory`.

    Args:
        spec: the world's seed as `seed`, and every value of `DomainsParameters`.
        directory: where the files go.

    Returns:
        Facts for the manifest: the spec, the rows of every file, and the counts of leaks.

    Raises:
        UserError: a leakage rule is broken.
    """
    groups = make_groups(spec)
    files = _general(spec, groups)
    for domain in DOMAINS:
        group = groups[group_of(domain)]
        rng = stream(spec["seed"], f"domains-{domain}")
        heads = Heads.drawn(rng, group, list(group.meaning[domain]), TOPICS[domain])
        files |= _texts(spec, rng, heads, domain) | _end_tasks(spec, rng, heads, domain)
    counts = leakage.count_leaks(files, groups)
    leakage.check(counts)
    for name, rows in files.items():
        write_rows(directory / name, rows)
    write_json(directory / "leakage.json", counts)
    save_tokenizer(groups.values(), directory / "tokenizer")
    rows_of = {name: len(rows) for name, rows in files.items()}
    return {"domains": spec, "rows": rows_of, "leakage": counts}


def _general(spec: dict, groups: dict[str, Group]) -> Files:
    """The general corpus: it tells classes of general stems only, and attributes of the others."""
    rng = stream(spec["seed"], "domains-general")
    heads: dict[tuple[bool, str], Heads] = {}
    for name, group in groups.items():
        heads[True, name] = Heads.drawn(rng, group, list(group.general), topics_of(name))
        heads[False, name] = Heads.drawn(rng, group, list(group.attributes), topics_of(name))

    def drawn(name: str) -> tuple[bool, str]:
        return bool(rng.random() < spec["evidence_share"]), name

    def sentence(name: str, stem: str, head: str) -> str:
        group = groups[name]
        known = group.general.get(stem)
        words = EVIDENCE[name][known] if known else group.attributes[stem]
        return told(rng, head, words, spec["single_share"])

    names = list(groups)
    train = []
    for _ in range(spec["corpus"]):
        name = pick(rng, names)
        train.append(sentence(name, *heads[drawn(name)].draw(rng)))
    files = {"corpus/train.jsonl": _text_rows("general-train", train)}
    for split in EVALUATED:
        pools = {
            (tells, name): iter(heads[tells, name].different(rng, spec["held_out"], split))
            for tells in (True, False)
            for name in names
        }
        turns = [names[number % len(names)] for number in range(spec["held_out"])]
        held = [sentence(name, *next(pools[drawn(name)])) for name in turns]
        files[f"corpus/{split}.jsonl"] = _text_rows(f"general-{split}", held)
        for name, group in groups.items():
            pairs = heads[True, name].different(rng, spec["held_out"], split)
            files[f"corpus/cloze-{name}-{split}.jsonl"] = _cloze_rows(
                f"general-{name}-cloze-{split}", group, group.general, pairs
            )
    return files


def _texts(spec: dict, rng: np.random.Generator, heads: Heads, domain: str) -> Files:
    """A domain's corpus, and the same held-out sentences with their last word hidden."""
    group, meaning = heads.group, heads.group.meaning[domain]

    def sentence(stem: str, head: str) -> str:
        return told(rng, head, EVIDENCE[group.name][meaning[stem]], spec["single_share"])

    train = [sentence(*heads.draw(rng)) for _ in range(spec["texts"])]
    files = {f"domains/{domain}/train.jsonl": _text_rows(f"{domain}-train", train)}
    for split in EVALUATED:
        pairs = heads.different(rng, spec["held_out"], split)
        held = [sentence(stem, head) for stem, head in pairs]
        files[f"domains/{domain}/{split}.jsonl"] = _text_rows(f"{domain}-{split}", held)
        files[f"domains/{domain}/cloze-{split}.jsonl"] = _cloze_rows(
            f"{domain}-cloze-{split}", group, meaning, pairs
        )
    return files


def _end_tasks(spec: dict, rng: np.random.Generator, heads: Heads, domain: str) -> Files:
    """Two folds: a half of the stems is labelled and the other tested, then the other way round."""
    meaning = heads.group.meaning[domain]
    parts = [_by_turns(half, meaning) for half in halves(rng, meaning)]
    files = {}
    for fold, (labelled, tested) in enumerate((parts, parts[::-1]), start=1):
        sizes = {"train": spec["labelled"], "dev": spec["tested"], "test": spec["tested"]}
        for split, count in sizes.items():
            stems = labelled if split == "train" else tested
            files[f"end_tasks/{domain}/{split}-{fold}.jsonl"] = [
                {
                    "id": f"{domain}-{split}-{fold}-{number}",
                    "text": hidden(head),
                    "label": meaning[stem],
                    "cluster": stem,
                }
                for number, (stem, head) in enumerate(heads.different(rng, count, split, stems))
            ]
    return files


def _by_turns(stems: list[str], meaning: dict[str, str]) -> list[str]:
    """One stem of every class, then another, so that all classes are equally frequent."""
    of_class = [
        [s for s in stems if meaning[s] == name] for name in dict.fromkeys(meaning.values())
    ]
    return [stem for turn in zip(*of_class, strict=True) for stem in turn]


def _text_rows(name: str, texts: list[str]) -> list[dict]:
    return [{"id": f"{name}-{number}", "text": text} for number, text in enumerate(texts)]


def _cloze_rows(
    name: str, group: Group, meaning: dict[str, str], pairs: list[tuple[str, str]]
) -> list[dict]:
    return [
        {
            "id": f"{name}-{number}",
            "text": hidden(head),
            "label": meaning[stem],
            "classes": EVIDENCE[group.name],
            "cluster": stem,
        }
        for number, (stem, head) in enumerate(pairs)
    ]
