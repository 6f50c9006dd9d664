"""Log-probabilities of tokens from hidden states: the output layer at scored positions only."""

from collections.abc import Callable

import torch

# Logits that are held at once. As much memory as the C library gives out again without asking the
# system, which would have to clear it anew for every batch.
LOGITS_AT_ONCE = 24 * 2**20 // 4


def score(
    states: torch.Tensor,
    picks: list[int],
    targets: list[int],
    head: Callable[[torch.Tensor], torch.Tensor],
    vocabulary: int,
) -> tuple[list[float], list[bool]]:
    """(log-probability in nats, is the likeliest) of every target; softmax in float32.

    Args:
        states: last hidden states [N, width].
        picks: for every target, the state that predicts it; a state may predict many.
        head: logits [n, vocabulary] of states [n, width].
    """
    places = {pick: place for place, pick in enumerate(dict.fromkeys(sorted(picks)))}
    order = sorted(range(len(picks)), key=lambda k: picks[k])
    device = states.device
    wanted = torch.tensor([[places[picks[k]], targets[k]] for k in order], device=device)
    states = states[torch.tensor(list(places), device=device)]
    step = max(LOGITS_AT_ONCE // vocabulary, 1)
    found, greedy = [], []
    edges = torch.searchsorted(
        wanted[:, 0].contiguous(), torch.arange(0, len(states) + step, step, device=device)
    ).tolist()
    for number, start in enumerate(range(0, len(states), step)):
        here = wanted[edges[number] : edges[number + 1]]
        logprobs = head(states[start : start + step]).log_softmax(dim=-1, dtype=torch.float32)
        rows, columns = here[:, 0] - start, here[:, 1]
        values = logprobs[rows, columns]
        likeliest = values == logprobs.amax(dim=-1)[rows]
        # The largest is found many times faster than its place; of equal ones the first counts.
        ties = likeliest.nonzero()[:, 0]
        likeliest[ties] = logprobs[rows[ties]].argmax(dim=-1) == columns[ties]
        found.append(values)
        greedy.append(likeliest)
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(found).cpu()[back].tolist(), torch.cat(greedy).cpu()[back].tolist()
