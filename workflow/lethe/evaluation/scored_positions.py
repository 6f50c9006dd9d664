"""Log-probabilities of tokens from hidden states: the output layer at scored positions only."""

from bisect import bisect_left
from collections.abc import Callable

import torch

from lethe.evaluation.rows import Wanted

# Logits that are held at once, by kind of device. On a CPU as much memory as the C library gives
# out again without asking the system, which would have to clear it anew for every batch.
LOGITS_AT_ONCE = {"cpu": 24 * 2**20 // 4, "cuda": 2**28}

Answer = tuple[float, bool]


def answers(
    states: torch.Tensor,
    wanted: list[tuple[int, Wanted]],
    head: Callable[[torch.Tensor], torch.Tensor],
    vocabulary: int,
) -> dict[int, Answer]:
    """(log-likelihood in nats, is greedy) of every request, by its number; softmax in float32.

    Args:
        states: last hidden states [R, L, width].
        wanted: requests with the row they are in.
        head: logits [n, vocabulary] of states [n, width].
    """
    width = states.shape[1]
    picks = [number * width + source for number, one in wanted for source in one.sources]
    targets = [target for _, one in wanted for target in one.targets]
    values, likeliest = _of_tokens(states.flatten(0, 1), picks, targets, head, vocabulary)
    found, start = {}, 0
    for _, one in wanted:
        stop = start + len(one.targets)
        found[one.request] = (sum(values[start:stop]), all(likeliest[start:stop]))
        start = stop
    return found


def _of_tokens(
    states: torch.Tensor,
    picks: list[int],
    targets: list[int],
    head: Callable[[torch.Tensor], torch.Tensor],
    vocabulary: int,
) -> tuple[list[float], list[bool]]:
    """(log-probability, is the likeliest) of every target, predicted by the state it picks."""
    distinct = sorted(set(picks))
    places = {pick: place for place, pick in enumerate(distinct)}
    order = sorted(range(len(picks)), key=lambda k: picks[k])
    sorted_picks = [places[picks[k]] for k in order]
    index = torch.tensor([sorted_picks, [targets[k] for k in order]], device=states.device)
    states = states[torch.tensor(distinct, device=states.device)]
    most = LOGITS_AT_ONCE["cpu" if states.device.type == "cpu" else "cuda"]
    step = max(most // vocabulary, 1)
    values, likeliest = [], []
    for start in range(0, len(states), step):
        logprobs = head(states[start : start + step]).log_softmax(dim=-1, dtype=torch.float32)
        begin, end = bisect_left(sorted_picks, start), bisect_left(sorted_picks, start + step)
        rows, columns = index[0, begin:end] - start, index[1, begin:end]
        values.append(logprobs[rows, columns])
        # The largest is found many times faster than its place; of equal ones the first counts.
        found = values[-1] == logprobs.amax(dim=-1)[rows]
        ties = found.nonzero()[:, 0]
        found[ties] = logprobs[rows[ties]].argmax(dim=-1) == columns[ties]
        likeliest.append(found)
    back = sorted(range(len(order)), key=lambda place: order[place])
    return torch.cat(values)[back].tolist(), torch.cat(likeliest)[back].tolist()
