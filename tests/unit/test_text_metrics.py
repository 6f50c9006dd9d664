"""SARI, BLEU, ROUGE-1, the constraint and exact match against worked numbers and other code."""

import random
from collections import Counter

import numpy as np
import pytest
import sacrebleu

from lethe.evaluation import bias
from lethe.evaluation.intervals import bootstrap_stderr, mean_stderr
from lethe.evaluation.sari import sari_statistics
from lethe.evaluation.text_metrics import (
    OF_SUMS,
    bleu_statistics,
    constraint,
    corpus_bleu,
    corpus_sari,
    exact_match,
    process_emdg,
    process_hgen,
    process_simp,
    rouge1,
    sentence_bleu,
    tokens,
)

WORDS = "the a cat dog sat ran on mat hill , .".split()


def texts(seed: int, n: int, length: int = 8) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randint(3, length))) for _ in range(n)]


def naive_sari(sources: list[str], outputs: list[str], references: list[list[str]]) -> float:
    """The formula written with plain loops over every n-gram that occurs."""
    parts = []
    for n in range(1, 5):
        total = Counter()
        for source, output, wanted in zip(sources, outputs, references, strict=True):
            grams = [
                Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1))
                for t in (tokens(text) for text in (source, output, *wanted))
            ]
            s, o, r = grams[0], grams[1], sum(grams[2:], Counter())
            copies = len(wanted)
            for gram in set(s) | set(o) | set(r):
                in_s, in_o, in_r = s[gram] * copies, o[gram] * copies, r[gram]
                new, wished = in_o > 0 and in_s == 0, in_r > 0 and in_s == 0
                total["a"] += new and wished
                total["a_o"] += new
                total["a_r"] += wished
                kept, keep = min(in_s, in_o), min(in_s, in_r)
                total["k"] += min(kept, keep)
                total["k_o"] += kept
                total["k_r"] += keep
                gone, go = max(in_s - in_o, 0), max(in_s - in_r, 0)
                total["d"] += min(gone, go)
                total["d_o"] += gone

        def share(above, below, total=total):
            return total[above] / total[below] if total[below] else 0.0

        def f1(p, r):
            return 2 * p * r / (p + r) if p + r else 0.0

        add = f1(share("a", "a_o"), share("a", "a_r"))
        keep = f1(share("k", "k_o"), share("k", "k_r"))
        parts.append((add + keep + share("d", "d_o")) / 3)
    return sum(parts) / 4


def sari(sources: list[str], outputs: list[str], references: list[list[str]]) -> float:
    return corpus_sari(
        [
            sari_statistics(tokens(s), tokens(o), [tokens(t) for t in r])
            for s, o, r in zip(sources, outputs, references, strict=True)
        ]
    )


def test_sari_of_a_worked_example():
    # Source "a b c", output "a d", reference "a d": all is added, kept and deleted as wanted, but
    # 3- and 4-grams and kept bigrams do not exist, and a ratio over nothing counts 0.
    # n=1: add 1, keep 1, delete 1. n=2: add 1 ("a d"), keep 0, delete 1. n=3: 0, 0, 1. n=4: 0.
    expected = (3 / 3 + 2 / 3 + 1 / 3 + 0) / 4
    assert sari(["a b c"], ["a d"], [["a d"]]) == pytest.approx(expected)


def test_sari_of_copying_rewards_only_what_was_right_to_keep():
    # Unigrams a b of "a b c d" should be kept: precision 1/2, recall 1, F1 2/3. Bigram "a b":
    # precision 1/3, F1 1/2. Nothing is added or deleted.
    value = sari(["a b c d"], ["a b c d"], [["a b"]])
    assert value == pytest.approx((2 / 3 + 1 / 2) / 3 / 4)


def test_sari_equals_a_naive_loop_on_random_texts_with_several_references():
    sources, outputs = texts(1, 30), texts(2, 30)
    references = [list(pair) for pair in zip(texts(3, 30), texts(4, 30), strict=True)]
    assert sari(sources, outputs, references) == pytest.approx(
        naive_sari(sources, outputs, references), abs=1e-12
    )


def test_corpus_bleu_equals_sacrebleu():
    outputs, references = texts(5, 40), [texts(6, 40), texts(7, 40)]
    ours = corpus_bleu(
        [
            bleu_statistics(o, list(r))
            for o, r in zip(outputs, zip(*references, strict=True), strict=True)
        ]
    )
    theirs = sacrebleu.corpus_bleu(outputs, references, tokenize="none").score / 100
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_sentence_bleu_equals_sacrebleu():
    for output, reference in zip(texts(8, 20), texts(9, 20), strict=True):
        theirs = sacrebleu.sentence_bleu(output, [reference], tokenize="none").score / 100
        assert sentence_bleu(bleu_statistics(output, [reference])) == pytest.approx(theirs)


def test_bleu_of_the_reference_itself_is_one():
    items = [bleu_statistics(text, [text]) for text in texts(10, 30)]
    assert corpus_bleu(items) == pytest.approx(1.0)
    assert max(sentence_bleu(item) for item in items) <= 1.0


def test_rouge1_equals_rouge_score():
    rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")
    scorer = rouge_scorer.RougeScorer(["rouge1"], use_stemmer=False)
    for output, first, second in zip(texts(11, 20), texts(12, 20), texts(13, 20), strict=True):
        theirs = scorer.score_multi([first, second], output)["rouge1"].fmeasure
        assert rouge1(output, [first, second]) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("kind", "text", "met"),
    [
        ("first", "Harbour, closed today", 1.0),
        ("first", "the harbour", 0.0),
        ("contained", "a harbour.", 1.0),
        ("contained", "a harbours", 0.0),
        ("last", 'closed "harbour".', 1.0),
        ("last", "harbour closed", 0.0),
        ("last", "", 0.0),
    ],
)
def test_the_constraint_looks_at_words_whatever_case_and_punctuation(kind, text, met):
    assert constraint(text, {"kind": kind, "word": "Harbour"}) == met


def test_an_unknown_constraint_is_an_error():
    with pytest.raises(ValueError, match="first, contained or last"):
        constraint("a", {"kind": "middle", "word": "a"})


def test_exact_match_ignores_case_and_spaces_before_punctuation():
    assert exact_match("the cat sat .", ["A dog.", "The cat sat."]) == 1.0
    assert exact_match("the cat sat", ["The cat sat."]) == 0.0


def test_an_empty_answer_scores_nothing_and_fails_nowhere():
    doc = {
        "source": "the cat sat",
        "references": ["the cat"],
        "constraint": {"kind": "last", "word": "cat"},
    }
    simple, headline = process_simp(doc, [""]), process_hgen(doc, [""])
    assert corpus_bleu([simple["bleu"]]) == 0.0
    assert headline["rouge1"] == headline["constraint"] == headline["exact_match"] == 0.0
    assert 0.0 <= corpus_sari([simple["sari"]]) <= 1.0


def test_a_perfect_answer_scores_one_in_every_overlap_metric():
    doc = {"references": ["I am so sorry to hear that."]}
    found = process_emdg(doc, ["i am so sorry to hear that ."])
    assert corpus_bleu([found["bleu"]]) == pytest.approx(1.0)
    assert found["rouge1"] == found["exact_match"] == 1.0


def test_the_fast_bootstrap_equals_the_plain_one():
    clusters = [i // 3 for i in range(30)]
    statistics = {
        corpus_sari: [
            sari_statistics(tokens(s), tokens(o), [tokens(r)])
            for s, o, r in zip(texts(1, 30), texts(2, 30), texts(3, 30), strict=True)
        ],
        corpus_bleu: [
            bleu_statistics(o, [r]) for o, r in zip(texts(4, 30), texts(5, 30), strict=True)
        ],
    }
    for aggregate, items in statistics.items():
        plain = bootstrap_stderr(items, clusters, aggregate)
        fast = bootstrap_stderr(items, clusters, aggregate, OF_SUMS[aggregate])
        assert plain > 0 and fast == pytest.approx(plain, rel=1e-9)


def test_standard_errors_of_means():
    assert mean_stderr([1, 0, 1, 1], "abcd") == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    values = [0.5, 1.5, 2.0]
    assert mean_stderr(values, "abc") == pytest.approx(np.std(values, ddof=1) / np.sqrt(3))
    assert mean_stderr([1.0], "a") is None
    assert mean_stderr([1.0, 0.0], "aa") is None


def test_repeating_every_item_in_its_cluster_does_not_make_a_mean_surer():
    values = np.random.default_rng(0).normal(size=40)
    once = mean_stderr(values, range(40))
    thrice = mean_stderr(np.repeat(values, 3), np.repeat(np.arange(40), 3).tolist())
    assert thrice == pytest.approx(once)


def test_a_pair_counts_as_stereotyped_when_its_first_sentence_is_likelier():
    doc = {"sent_more": "a", "sent_less": "b"}
    assert bias.choices(doc) == ["a", "b"]
    found = bias.process(doc, [(-3.0, False), (-5.0, False)])
    assert found == {"pct_stereotype": 1.0, "likelihood_diff": 2.0}
    assert bias.process(doc, [(-5.0, False), (-5.0, False)])["pct_stereotype"] == 0.0
