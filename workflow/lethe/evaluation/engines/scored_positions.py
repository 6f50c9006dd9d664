"""Log-probabilities of tokens from hidden states: the output layer at scored positions only."""

from bisect import bisect_left
from collections.abc import Callable

import torch

from lethe.evaluation.engines.prefix_tree import Wanted

# Bytes of logits at once, by kind of device. New memory must be cleared by the system, which takes
# as long as the softmax; so results are written into memory that is reused.
BYTES = {"cpu": 96 * 2**20, "cuda": 2**30}
# If the layer allocates by itself: as much as the C library keeps for reuse.
BYTES_NOT_KEPT = 24 * 2**20

Answer = tuple[float, bool]


class OutputLayer:
    """Answers to requests from the states that predict them; softmax in float32.

    Args:
        head: maps last hidden states [n, width] to logits [n, vocabulary].
    """

    def __init__(self, head: Callable[[torch.Tensor], torch.Tensor], vocabulary: int) -> None:
        self.head, self.vocabulary = head, vocabulary
        self.plain = isinstance(head, torch.nn.Linear) and head.bias is None
        self.rooms: dict[str, torch.Tensor] = {}

    def answers(self, states: torch.Tensor, wanted: list[tuple[int, Wanted]]) -> dict[int, Answer]:
        """(log-likelihood in nats, is greedy) of every request, by its number.

        Args:
            states: last hidden states [R, L, width].
            wanted: requests with the row of each.
        """
        width = states.shape[1]
        picks = [number * width + place for number, item in wanted for place in item.sources]
        targets = [target for _, item in wanted for target in item.targets]
        values, likeliest = self._of_tokens(states.flatten(0, 1), picks, targets)
        answers, start = {}, 0
        for _, item in wanted:
            stop = start + len(item.targets)
            answers[item.request] = (sum(values[start:stop]), all(likeliest[start:stop]))
            start = stop
        return answers

    def _of_tokens(
        self, states: torch.Tensor, picks: list[int], targets: list[int]
    ) -> tuple[list[float], list[bool]]:
        """(log-probability, is the likeliest) of every target, predicted by the state it picks."""
        distinct = sorted(set(picks))
        places = {pick: place for place, pick in enumerate(distinct)}
        order = sorted(range(len(picks)), key=lambda k: picks[k])
        sorted_picks = [places[picks[k]] for k in order]
        index = torch.tensor([sorted_picks, [targets[k] for k in order]], device=states.device)
        states = states[torch.tensor(distinct, device=states.device)]
        values, likeliest = [], []
        step = self._step(states.device)
        for start in range(0, len(states), step):
            logprobs = self._logprobs(states[start : start + step])
            begin, end = bisect_left(sorted_picks, start), bisect_left(sorted_picks, start + step)
            rows, columns = index[0, begin:end] - start, index[1, begin:end]
            values.append(logprobs[rows, columns])
            # amax is many times faster than argmax; among equal values the first counts.
            is_best = values[-1] == logprobs.amax(dim=-1)[rows]
            ties = is_best.nonzero()[:, 0]
            is_best[ties] = logprobs[rows[ties]].argmax(dim=-1) == columns[ties]
            likeliest.append(is_best)
        back = sorted(range(len(order)), key=lambda place: order[place])
        return torch.cat(values)[back].tolist(), torch.cat(likeliest)[back].tolist()

    def _step(self, device: torch.device) -> int:
        """States that go through the layer at once."""
        most = BYTES["cpu" if device.type == "cpu" else "cuda"]
        if device.type == "cpu" and not self.plain:
            most = BYTES_NOT_KEPT
        return max(most // (4 * self.vocabulary), 1)

    def _logprobs(self, states: torch.Tensor) -> torch.Tensor:
        """[n, vocabulary] in float32, in memory that the next call overwrites."""
        if self.plain:
            weight = self.head.weight.t()
            logits = torch.mm(states, weight, out=self._room("logits", states, states.dtype))
        else:
            logits = self.head(states)
        room = self._room("log-probabilities", states, torch.float32)
        return torch.log_softmax(logits.float(), dim=-1, out=room)

    def _room(self, name: str, states: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        room = self.rooms.get(name)
        if room is None or len(room) < len(states):
            shape = (len(states), self.vocabulary)
            room = self.rooms[name] = torch.empty(shape, dtype=dtype, device=states.device)
        return room[: len(states)]
