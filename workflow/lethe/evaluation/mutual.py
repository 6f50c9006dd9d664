"""Recall and reciprocal rank of MuTual's right reply among four (Cui et al. 2020).

lm-eval's own `mutual`, which is `mutual_stock` here, takes the argmax of a list of pairs
(log-likelihood, is greedy), which numpy flattens: its r@1 says whether the right reply is the one
of the second place whenever no reply is the greedy one. Here log-likelihoods alone are compared.
"""

LETTERS = "ABCD"


def process_results(doc: dict, results: list[tuple[float, bool]]) -> dict[str, float]:
    """r@1, r@2 and mrr of one dialogue; replies of equal likelihood count as ranked before it.

    Args:
        doc: has the letter of the right reply as `answers`.
        results: (log-likelihood, is greedy) of each reply.
    """
    likelihoods = [likelihood for likelihood, _ in results]
    gold = LETTERS.index(doc["answers"])
    better = sum(
        other >= likelihoods[gold] for place, other in enumerate(likelihoods) if place != gold
    )
    return {"r@1": float(better == 0), "r@2": float(better <= 1), "mrr": 1.0 / (better + 1)}
