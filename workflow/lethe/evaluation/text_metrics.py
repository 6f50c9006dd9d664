"""Metrics of generated text for lm-eval tasks: SARI, BLEU, ROUGE-1, constraint, exact match.

A task's YAML names `process_*` as process_results and `corpus_*` as aggregation. Documents have
prompt, response, references (list), source, constraint ({"kind", "word"} or null). Text is
lower-cased and split into words and punctuation before it is compared; every value is in 0..1.
"""

import re
from collections import Counter
from functools import lru_cache

import numpy as np

from lethe.evaluation.sari import sari_of_sums, sari_statistics

TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]|_", re.UNICODE)
WORD = re.compile(r"[^\W_]", re.UNICODE)
ROUGE_WORD = re.compile(r"[a-z0-9]+")


def tokens(text: str) -> list[str]:
    """Lower-case words and punctuation marks of a text, in order."""
    return TOKEN.findall(text.lower())


def process_simp(doc: dict, results: list) -> dict:
    """Simplification: SARI first (as Luo et al.), BLEU, ROUGE-1 and exact match."""
    generated = results[0]
    statistics = sari_statistics(
        tokens(doc["source"]), tokens(generated), [tokens(text) for text in doc["references"]]
    )
    return {"sari": statistics, **_overlap(doc, generated)}


def process_text(doc: dict, results: list) -> dict:
    """Generated text against its references: BLEU, ROUGE-1 and exact match."""
    return _overlap(doc, results[0])


# Names in the tasks' YAML: dialogue, questions and explanations, all with BLEU first (as Luo et
# al.), and a user's own prompts and responses.
process_emdg = process_inqqg = process_exp = process_generic = process_text


def process_hgen(doc: dict, results: list) -> dict:
    """Headline with a constraint: ROUGE-1 first (as Luo et al.), the constraint, BLEU."""
    generated = results[0]
    return {**_overlap(doc, generated), "constraint": constraint(generated, doc["constraint"])}


def constraint(generated: str, wanted: dict) -> float:
    """1 if the required word is the `first`, a `contained` or the `last` word, else 0.

    Punctuation is ignored.
    """
    words = [token for token in tokens(generated) if WORD.match(token)]
    word = wanted["word"].lower()
    if not words:
        return 0.0
    if wanted["kind"] == "first":
        return float(words[0] == word)
    if wanted["kind"] == "last":
        return float(words[-1] == word)
    if wanted["kind"] == "contained":
        return float(word in words)
    raise ValueError(f"expected the constraint first, contained or last, found {wanted['kind']!r}")


def exact_match(generated: str, references: list[str]) -> float:
    """1 if the tokens equal those of any reference, else 0."""
    return float(any(tokens(generated) == tokens(reference) for reference in references))


def rouge1(generated: str, references: list[str]) -> float:
    """ROUGE-1 F-measure, equal to rouge_score's without stemming; the best over the references.

    Punctuation does not count. Computed here, since rouge_score imports nltk, which takes seconds.
    """
    words = Counter(ROUGE_WORD.findall(generated.lower()))
    best = 0.0
    for reference in references:
        wanted = Counter(ROUGE_WORD.findall(reference.lower()))
        count = words.total() + wanted.total()
        best = max(best, 2 * (words & wanted).total() / count if count else 0.0)
    return best


def corpus_sari(items: list) -> float:
    """Corpus SARI from the items' statistics; see `lethe.evaluation.sari`."""
    return float(sari_of_sums(np.sum(np.asarray(items, dtype=float), axis=0)))


def sentence_sari(item: list) -> float:
    """SARI of one sentence."""
    return corpus_sari([item])


def bleu_statistics(generated: str, references: list[str]) -> list[int]:
    """sacrebleu's counts of one sentence: 4 matches, 4 totals, length, reference length."""
    score = _bleu().sentence_score(
        " ".join(tokens(generated)), [" ".join(tokens(reference)) for reference in references]
    )
    return [*score.counts, *score.totals, score.sys_len, score.ref_len]


def corpus_bleu(items: list) -> float:
    """sacrebleu's corpus BLEU (4-grams, exponential smoothing) from the items' statistics."""
    return _bleu_of(np.sum(np.asarray(items), axis=0), effective_order=False)


def sentence_bleu(item: list) -> float:
    """sacrebleu's sentence BLEU, without the orders longer than the sentence."""
    return _bleu_of(np.asarray(item), effective_order=True)


def bleu_of_sums(statistics: np.ndarray) -> np.ndarray:
    """Corpus BLEU [...] from summed statistics [..., 10]."""
    flat = np.reshape(statistics, (-1, np.shape(statistics)[-1]))
    values = [_bleu_of(row, effective_order=False) for row in flat]
    return np.reshape(values, np.shape(statistics)[:-1])


# For corpus metrics that are not means: the value of one item, and the value of summed statistics.
SENTENCE = {corpus_sari: sentence_sari, corpus_bleu: sentence_bleu}
OF_SUMS = {corpus_sari: sari_of_sums, corpus_bleu: bleu_of_sums}


def _overlap(doc: dict, generated: str) -> dict:
    references = doc["references"]
    return {
        "bleu": bleu_statistics(generated, references),
        "rouge1": rouge1(generated, references),
        "exact_match": exact_match(generated, references),
    }


@lru_cache(maxsize=1)
def _bleu():
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize="none", effective_order=True)


def _bleu_of(statistics: np.ndarray, effective_order: bool) -> float:
    counts = [int(value) for value in statistics]
    score = _bleu().compute_bleu(
        correct=counts[:4],
        total=counts[4:8],
        sys_len=counts[8],
        ref_len=counts[9],
        smooth_method="exp",
        effective_order=effective_order,
    )
    return min(score.score / 100, 1.0)  # rounding puts a perfect score slightly above 1
