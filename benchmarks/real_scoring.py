"""Scoring a real model beside lm-eval's own HFLM: `python benchmarks/real_scoring.py RESULTS`, the
folder in which `make real` left its base and data.

The general sets of the real data, the first `--limit` items of each. lm-eval runs at its default
batch size, 1, and at the best of some, found on a part of the requests; Lethe's fast engine has
none to choose. One thread, seconds of processor time, tokenising counted; with `--device cuda`,
seconds of wall time and larger batches. All log-likelihoods have to agree to 1e-4 nats (to 5e-4 on
a GPU, whose sums depend on the size of a batch), and the scores of both are printed.

Beside them, every request as a text of its own: lm-eval at its best batch size without its cache of
contexts. `by tokens` is what sharing promises over that: tokens of all these texts over those that
are left when texts share their beginnings. The last column is the share of it that was gained; more
than all where lm-eval pads. Prints a Markdown table.
"""

import argparse
import logging
import os
from pathlib import Path

import lm_eval
import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from real_training import folders
from training_systems import now

from lethe.evaluation.engines.registry import wrap
from lethe.models.loading import load_model
from lethe.models.tokenizer import load_tokenizer

SETS = ("definitions", "words", "kinds", "opposites", "capitals", "endings", "gaps")
BY_LENGTH = ("definitions", "endings")
BATCH_SIZES = {"cpu": (1, 4, 16), "cuda": (1, 16, 64)}
TOLERANCE = {"cpu": 1e-4, "cuda": 5e-4}  # nats


class Timed:
    """Seconds of `loglikelihood` of a model of lm-eval, its answers, and tokens of its requests."""

    def __init__(self, lm, device: str) -> None:
        self.seconds, self.answers, self.asked = 0.0, [], []
        inner, tokenised = lm.loglikelihood, lm._loglikelihood_tokens

        def keeping(requests, *rest, **more):
            self.asked = [(*context, *continuation) for _, context, continuation in requests]
            return tokenised(requests, *rest, **more)

        def timed(requests, *rest, **more):
            begun = now(device)
            self.answers = inner(requests, *rest, **more)
            self.seconds = now(device) - begun
            return self.answers

        lm.loglikelihood, lm._loglikelihood_tokens = timed, keeping
        self.lm = lm

    def score(self, name: str, limit: int, chat: bool) -> dict:
        """lm-eval's results of one set."""
        found = lm_eval.simple_evaluate(
            model=self.lm,
            tasks=[name],
            task_manager=TaskManager(include_path="."),
            limit=limit,
            bootstrap_iters=0,
            apply_chat_template=chat,
        )
        return found["results"][name]


def accuracy(name: str, results: dict) -> float:
    """In %, by length where the probe `real` has it so."""
    return 100 * results["acc_norm,none" if name in BY_LENGTH else "acc,none"]


def unique(texts: list[tuple[int, ...]]) -> int:
    """Tokens that are left when texts share their beginnings; the last of each is never run."""
    return len({text[:length] for text in texts for length in range(1, len(text))})


def compare(name: str, ours: Timed, stocks: dict[int, Timed], arguments) -> str:
    """One line of the table.

    Raises:
        SystemExit: the two sides disagree; no time of a wrong answer is told.
    """
    part = max(arguments.limit // 8, 4)
    trial = {}
    for size, lm in stocks.items():
        lm.score(name, part, False)
        trial[size] = lm.seconds
    best = min(trial, key=trial.get)
    theirs = stocks[best].score(name, arguments.limit, False)
    found = ours.score(name, arguments.limit, False)
    stock = stocks[best]
    alone = Timed(
        HFLM(
            pretrained=stock.lm.model,
            tokenizer=stock.lm.tokenizer,
            batch_size=best,
            logits_cache=False,
        ),
        arguments.device,
    )
    alone.score(name, arguments.limit, False)
    for (one, greedy), (other, wanted) in zip(ours.answers, stock.answers, strict=True):
        if abs(one - other) > TOLERANCE[arguments.device] or greedy != wanted:
            raise SystemExit(f"{name}: {one}, {greedy} beside {other}, {wanted}")
    taken, texts = ours.seconds, ours.asked
    chat = ours.score(name, arguments.limit, True) if arguments.chat else None
    gained, most = alone.seconds / taken, sum(len(text) - 1 for text in texts) / unique(texts)
    digits = 1 if arguments.device == "cuda" else 0
    by_one = stock.seconds * trial[1] / trial[best]
    return (
        f"| {name} | {len(texts)} | {accuracy(name, theirs):.1f} | {accuracy(name, found):.1f} | "
        f"{f'{accuracy(name, chat):.1f}' if chat else ''} | {by_one:.{digits}f} | "
        f"{stock.seconds:.{digits}f} ({best}) | {taken:.{digits + 1}f} | "
        f"{stock.seconds / taken:.2f} | "
        f"{alone.seconds:.{digits}f} | {gained:.2f} | {most:.2f} | "
        f"{100 * gained / most:.0f} % |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results of `make real`")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--limit", type=int, default=100, help="items of a set")
    parser.add_argument("--chat", action="store_true", help="ours with the chat template too")
    parser.add_argument("--device", choices=tuple(BATCH_SIZES), default="cpu")
    arguments = parser.parse_args()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    base, data = (folder.resolve() for folder in folders(arguments.results))
    os.chdir(data / "eval")  # where the sets' files are named from
    device = arguments.device
    model, tokenizer = load_model(base).eval().to(device), load_tokenizer(base)
    ours = Timed(wrap(model, tokenizer, 16), device)
    stocks = {
        size: Timed(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size), device)
        for size in BATCH_SIZES[device]
    }
    print(f"n = 1, {arguments.limit} items a set\n")
    print(
        "| set | requests | lm-eval, % | Lethe, % | Lethe with chat template, % | lm-eval at 1, s "
        "(from a part) | at its best, s (batch size) | Lethe, s | ratio | one text a request, s "
        "| over it | by tokens | share of it |"
        "\n|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for name in arguments.sets:
        print(compare(name, ours, stocks, arguments), flush=True)


if __name__ == "__main__":
    main()
