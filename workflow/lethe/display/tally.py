"""What a run has done so far, from the events that Snakemake logs."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lethe.artefacts.rules import RULES
from lethe.display.failures import Failure

NO_JOBS = ("all", "total")
"""What Snakemake counts among its jobs and is none."""
NODES = {name for name, rule in RULES.items() if rule.kind}
SHORT = 2.0
"""Seconds that a table or a figure takes, until one has been made."""
OF_STAGE = 1 / 3
"""The share of a stage's time that a probe or an end task takes, until one has been made.

Stages come first; in the default study it is a quarter to a third.
"""


@dataclass(frozen=True)
class Running:
    """A job that has begun."""

    rule: str
    name: str
    words: str
    began: float


@dataclass
class Tally:
    """Jobs by rule: how many there are, how many are done, which are running and which failed.

    words: a job as a reader is told it, from its rule and the name of what it makes.
    left: the seconds that a job which has run for so long has left, if it says so.
    """

    words: Callable[[str, str], str]
    left: Callable[[Running, float], float | None] = lambda job, spent: None
    clock: Callable[[], float] = time.monotonic
    planned: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    running: dict[int, Running] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    first: float | None = None

    def plan(self, counts: Mapping[str, int]) -> None:
        """Take the number of jobs by rule; they are shown in the order in which they are made."""
        order = [*RULES, *(rule for rule in counts if rule not in RULES)]
        self.planned = Counter(
            {rule: counts[rule] for rule in order if rule in counts and rule not in NO_JOBS}
        )

    def begin(self, number: int, rule: str, wildcards: Mapping[str, Any]) -> Running | None:
        """A job has begun, for the first time or again."""
        if rule in NO_JOBS:
            return None
        now = self.clock()
        self.first = now if self.first is None else self.first
        name = str(wildcards.get("node", wildcards.get("name", "")))
        self.failures.pop(number, None)
        self.running[number] = job = Running(rule, name, self.words(rule, name), now)
        return job

    def finish(self, number: int) -> tuple[Running, float] | None:
        """A job has ended well: the job, and the seconds that it took."""
        job = self.running.pop(number, None)
        if job is None:
            return None
        took = self.clock() - job.began
        self.seconds[job.rule] += took
        self.done[job.rule] += 1
        return job, took

    def fail(self, number: int, rule: str, logs: list[str], how: str) -> Failure:
        """A job has failed."""
        job = self.running.pop(number, None)
        words = job.words if job else self.words(rule, "")
        took = self.clock() - job.began if job else None
        self.failures[number] = failure = Failure(words, took, logs, how)
        return failure

    @property
    def total(self) -> int:
        return max(self.planned.total(), self.done.total() + len(self.running))

    @property
    def not_begun(self) -> int:
        """Jobs that have not begun; after the end of a run, those that need a failed one."""
        return max(0, self.total - self.done.total() - len(self.running) - len(self.failures))

    @property
    def elapsed(self) -> float:
        return 0.0 if self.first is None else self.clock() - self.first

    def facts(self) -> dict[str, Any]:
        """How far the run is, for those who look at it from elsewhere."""
        counts = {"done": self.done.total(), "of": self.total, "failed": len(self.failures)}
        return counts | {"seconds_left": self.seconds_left(), "at": time.time()}

    def seconds_left(self) -> float | None:
        """From what finished jobs of each rule took, and what running ones say of themselves.

        None while the rules of most nodes to be made are without either. What is made of stages is
        taken to need OF_STAGE of their time until one is done.
        """
        now = self.clock()
        begun = [(job, now - job.began) for job in [*self.running.values()]]
        lefts = [self.left(job, spent) for job, spent in begun]
        usual = {rule: self.seconds[rule] / count for rule, count in [*self.done.items()]}
        for (job, spent), left in zip(begun, lefts, strict=True):
            if left is not None:
                usual.setdefault(job.rule, spent + left)
        if "stage" in usual:
            for rule in ("probe", "end_task"):
                usual.setdefault(rule, OF_STAGE * usual["stage"])
        # Copied whole: subtraction goes through it by steps, while another thread may add a rule.
        waiting = self.planned - Counter(self.done) - Counter(job.rule for job, _ in begun)
        of_nodes = Counter({rule: n for rule, n in waiting.items() if rule in NODES})
        if 2 * sum(n for rule, n in of_nodes.items() if rule not in usual) > of_nodes.total():
            return None
        known = [seconds for rule, seconds in usual.items() if rule in NODES]
        other = sum(known) / len(known) if known else SHORT
        usual = {rule: other if rule in NODES else SHORT for rule in self.planned} | usual
        running = [
            max(usual.get(job.rule, other) - spent, 0.0) if left is None else left
            for (job, spent), left in zip(begun, lefts, strict=True)
        ]
        work = sum(running) + sum(usual[rule] * count for rule, count in waiting.items())
        busy = sum(self.seconds.values()) + sum(spent for _, spent in begun)
        at_once = max(busy / self.elapsed, 1.0) if self.elapsed else 1.0
        return max([work / at_once, *running])
