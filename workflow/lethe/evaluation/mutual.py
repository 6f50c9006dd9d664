"""Recall and reciprocal rank of MuTual's right reply among four (Cui et al. 2020).

lm-eval's own `mutual` (here `mutual_stock`) takes the argmax of a list of pairs (log-likelihood, is
greedy), which numpy flattens. So whenever no reply is greedy, its r@1 only says whether the right
reply is in the second place. Here only log-likelihoods are compared.
"""

LETTERS = "ABCD"


def process_results(doc: dict, results: list[tuple[float, bool]]) -> dict[str, float]:
    """r@1, r@2 and mrr of one dialogue; replies of equal likelihood count as ranked before it.

    Args:
        doc: the dialogue; `answers` is the letter of the right reply.
        results: (log-likelihood, is greedy) of each reply.
    """
    likelihoods = [likelihood for likelihood, _ in results]
    gold = LETTERS.index(doc["answers"])
    better = sum(
        other >= likelihoods[gold] for place, other in enumerate(likelihoods) if place != gold
    )
    return {"r@1": float(better == 0), "r@2": float(better <= 1), "mrr": 1.0 / (better + 1)}
