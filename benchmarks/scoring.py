"""What log-likelihoods cost beside lm-eval's own HFLM: `python benchmarks/scoring.py`.

Random models of real architectures with their real vocabularies, made small (4 layers of 256), and
random requests whose lengths are those of real tasks. lm-eval runs at the best of several batch
sizes; both sides take turns, so that a busy machine slows them alike; CPU seconds of the process
(on a GPU: wall seconds), the median ratio over `--repeats`. Requests are tokens: tokenising, the
same for both, is left out. A row is printed only if all log-likelihoods agree to 1e-4 and all
greedy flags are the same.
"""

import argparse
import logging
import random
import statistics
import time
from importlib import import_module

import torch
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from lethe.evaluation.engines.registry import wrap

SHAPE = {"hidden_size": 256, "num_attention_heads": 4, "num_hidden_layers": 4}
MODELS = {
    "llama": ("Llama", "ForCausalLM", 32000, {"intermediate_size": 688}),
    "bloom": ("Bloom", "ForCausalLM", 250880, {}),
    "gpt_neox": ("GPTNeoX", "ForCausalLM", 50304, {"intermediate_size": 1024}),
    "opt": ("OPT", "ForCausalLM", 50272, {"ffn_dim": 1024, "word_embed_proj_dim": 256}),
    "qwen2": (
        "Qwen2",
        "ForCausalLM",
        151936,
        {"intermediate_size": 688, "num_key_value_heads": 2},
    ),
    "t5": ("T5", "ForConditionalGeneration", 32128, {}),
}
BATCH_SIZES = (1, 4, 16, 64)
LOGITS = 2**29  # of one batch of lm-eval; larger batches are not tried (2 GiB, twice)
TOLERANCE = 1e-4
FIRST = 10  # the tokens below are special


class Texts:
    """Random texts of random lengths."""

    def __init__(self, vocabulary: int) -> None:
        self.random = random.Random(0)
        self.vocabulary = vocabulary

    def text(self, mean: float, spread: float = 0.35) -> list[int]:
        """Tokens, log-normally many."""
        length = max(1, round(mean * self.random.lognormvariate(0, spread)))
        return [self.random.randrange(FIRST, self.vocabulary) for _ in range(length)]


def few_shot(texts: Texts, size: int) -> list:
    """MMLU: five examples before every question of a subject, four letters as choices."""
    shared = [1] + [token for _ in range(5) for token in texts.text(82)]
    letters = [[token] for token in range(FIRST, FIRST + 4)]
    questions = [shared + texts.text(80) for _ in range(10 * size)]
    return [(None, question, letter) for question in questions for letter in letters]


def passages(texts: Texts, size: int) -> list:
    """RACE: a passage, four questions, four choices of some words each."""
    asked = []
    for _ in range(size):
        passage = [1] + texts.text(320, 0.2)
        for _ in range(4):
            question = passage + texts.text(14)
            asked += [(None, question, texts.text(8)) for _ in range(4)]
    return asked


def passages_once(texts: Texts, size: int) -> list:
    """RACE as lm-eval asks it: one question a passage, four choices."""
    asked = []
    for _ in range(2 * size):
        context = [1] + texts.text(340, 0.2)
        asked += [(None, context, texts.text(8)) for _ in range(4)]
    return asked


def completions(texts: Texts, size: int) -> list:
    """HellaSwag: four completions of a sentence."""
    asked = []
    for _ in range(8 * size):
        context = [1] + texts.text(42)
        asked += [(None, context, texts.text(21)) for _ in range(4)]
    return asked


def last_words(texts: Texts, size: int) -> list:
    """LAMBADA: one word of one to three tokens after a paragraph."""
    words = [texts.text(1.6) for _ in range(12 * size)]
    return [(None, [1] + texts.text(84, 0.25), word) for word in words]


def two_choices(texts: Texts, size: int) -> list:
    """PIQA: two solutions of a goal."""
    asked = []
    for _ in range(16 * size):
        context = [1] + texts.text(13)
        asked += [(None, context, texts.text(19)) for _ in range(2)]
    return asked


def pairs(texts: Texts, size: int) -> list:
    """CrowS-Pairs: two sentences without a context that differ in one word."""
    asked = []
    for _ in range(16 * size):
        sentence = texts.text(15, 0.25)
        other = list(sentence)
        other[texts.random.randrange(len(other))] = texts.text(1, 0)[0]
        asked += [(None, [1], sentence), (None, [1], other)]
    return asked


WORKLOADS = {
    "5-shot, shared header (MMLU)": few_shot,
    "long passage, 4 questions x 4 choices (RACE)": passages,
    "long passage, 1 question x 4 choices (RACE)": passages_once,
    "sentence completion, 4 choices (HellaSwag)": completions,
    "last word (LAMBADA)": last_words,
    "two choices (PIQA)": two_choices,
    "sentence pairs (CrowS-Pairs)": pairs,
}


def make_model(kind: str, device: str, dtype: str):
    name, suffix, vocabulary, sizes = MODELS[kind]
    module = import_module(f"transformers.models.{kind}")
    shape = {**SHAPE, "max_position_embeddings": 2048, "initializer_range": 0.05}
    if kind == "t5":
        shape = {"d_model": 256, "d_kv": 64, "d_ff": 1024, "num_layers": 4, "num_heads": 4}
        shape |= {"n_positions": 2048, "decoder_start_token_id": 0}
    torch.manual_seed(0)
    settings = getattr(module, f"{name}Config")(vocab_size=vocabulary, **shape, **sizes)
    model = getattr(module, f"{name}{suffix}")(settings)
    return model.to(device, getattr(torch, dtype)).eval(), vocabulary


def make_tokenizer() -> PreTrainedTokenizerFast:
    """lm-eval wants one; the requests are tokens already."""
    words = {word: number for number, word in enumerate(["<pad>", "<s>", "</s>", "<unk>"])}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=plain, **names)


def seconds(lm, asked: list, device: str) -> tuple[float, list]:
    """CPU seconds of the process, or wall seconds with a GPU, and the answers."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    begun = clock()
    answers = lm._loglikelihood_tokens(asked, disable_tqdm=True)
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - begun, answers


def best_batch_size(stocks: dict[int, HFLM], asked: list, vocabulary: int, device: str) -> int:
    """Of lm-eval, over a part of the requests."""
    part = asked[: max(len(asked) // 4, 64)]
    longest = max(len(context) + len(rest) for _, context, rest in part)
    sizes = [size for size in stocks if size == 1 or size * longest * vocabulary <= LOGITS]
    return min(sizes, key=lambda size: seconds(stocks[size], part, device)[0])


def compare(kind: str, workload: str, arguments) -> str:
    """One line of the table.

    Raises:
        SystemExit: the two sides disagree; no time of a wrong answer is told.
    """
    model, vocabulary = make_model(kind, arguments.device, arguments.dtype)
    tokenizer, device = make_tokenizer(), arguments.device
    asked = WORKLOADS[workload](Texts(vocabulary), arguments.size)
    stocks = {
        size: HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size, softmax_dtype="float32")
        for size in BATCH_SIZES
    }
    ours = wrap(model, tokenizer, 64, arguments.engine)
    few = asked[:: max(len(asked) // 16, 1)]
    for lm in (stocks[1], ours):
        seconds(lm, few, device)  # the first of each warms up
    size = best_batch_size(stocks, asked, vocabulary, device)
    ratios, both = [], []
    for _ in range(arguments.repeats):
        stock, theirs = seconds(stocks[size], asked, device)
        taken, found = seconds(ours, asked, device)
        ratios.append(stock / taken)
        both.append((stock, taken))
    apart = max(abs(one - other) for (one, _), (other, _) in zip(found, theirs, strict=True))
    flags = sum(one != other for (_, one), (_, other) in zip(found, theirs, strict=True))
    if apart > TOLERANCE or flags:
        raise SystemExit(f"{kind}, {workload}: differs by {apart:.1e}, {flags} greedy flags")
    stock, taken = (statistics.median(values) for values in zip(*both, strict=True))
    return (
        f"| {kind} | {workload} | {len(asked)} | {stock:.2f} ({size}) | {taken:.2f} | "
        f"{statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} | {apart:.1e} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--workloads", nargs="+", default=[""], help="parts of their names")
    parser.add_argument("--engine", default="fast")
    parser.add_argument("--size", type=int, default=4, help="scales the number of requests")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    torch.set_num_threads(arguments.threads)
    told = f"{arguments.threads} thread(s), {arguments.dtype}, n = {arguments.repeats}"
    print(f"{arguments.device}, {told}\n")
    print(
        "| model | requests like | number | lm-eval, s (batch size) | Lethe, s | ratio | range "
        "| largest difference, nats |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for kind in arguments.models:
        for workload in WORKLOADS:
            if any(part in workload for part in arguments.workloads):
                print(compare(kind, workload, arguments), flush=True)


if __name__ == "__main__":
    main()
