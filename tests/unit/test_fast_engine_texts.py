"""The fast engine on texts: what tokenising does at borders, and whole tasks."""

import random
from pathlib import Path

import evaluation_world as world
import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from scoring_case import model_of
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lethe.commands.evaluate import evaluate
from lethe.errors import UserError
from lethe.evaluation.engines.registry import wrap

LETTERS = "abcdefgh"


@pytest.fixture(scope="module")
def tokenizer():
    """Letters, of which neighbours merge: `ab` is one token, across a border too."""
    merges = [("a", "b"), ("c", "d"), ("ab", "cd"), (" ", "a"), ("e", " ")]
    words = ["<pad>", "<bos>", "<eos>", "<unk>", " ", *LETTERS, "ab", "cd", "abcd", " a", "e "]
    core = Tokenizer(models.BPE({word: n for n, word in enumerate(words)}, merges))
    core.pre_tokenizer = pre_tokenizers.Split("\n", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )


def asked(pairs: list[tuple[str, str]]) -> list[Instance]:
    return [
        Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=number)
        for number, pair in enumerate(pairs)
    ]


def texts(seed: int) -> list[tuple[str, str]]:
    """Contexts, empty ones and repeated ones too, and answers that merge with their ends."""
    generator = random.Random(seed)

    def draw(most):
        return "".join(generator.choices(LETTERS + " ", k=generator.randint(1, most)))

    header = draw(30) + "c"
    found = []
    for _ in range(12):
        context = generator.choice([header, header, ""]) + draw(8) + generator.choice("ace ")
        found += [(context, f"{first}{draw(5)}h") for first in ("b", "d", " ", "a")]
    found += [("", draw(6) + "h") for _ in range(6)]
    return [*found, *found[:5]]


def merges(tokenizer, context: str, answer: str) -> bool:
    """Whether the context's tokens are not those that the whole text begins with."""
    context, answer = context.rstrip(), context[len(context.rstrip()) :] + answer
    alone, whole = tokenizer.tokenize(context), tokenizer.tokenize(context + answer)
    return whole[: len(alone)] != alone


def apart(tokenizer, context: str, answer: str):
    """A request with the tokens of context and answer each on its own, blanks with the answer."""
    stripped = context.rstrip()
    answer = context[len(stripped) :] + answer
    encoded = [tokenizer(text)["input_ids"] for text in (stripped, answer)]
    return ((context, answer), *encoded)


@pytest.mark.parametrize("kind", ["llama", "bloom", "gpt_neox", "opt", "qwen2"])
def test_borders_empty_and_repeated_contexts(kind, tokenizer):
    model, pairs = model_of(kind), texts(0)
    assert sum(merges(tokenizer, *pair) for pair in pairs) > 5
    stock, fast = HFLM(pretrained=model, tokenizer=tokenizer), wrap(model, tokenizer, 5, "fast")
    theirs = [
        # Where a token spans the border, lm-eval scores the tokens that it is given.
        stock._loglikelihood_tokens([apart(tokenizer, *pair)])[0]
        if merges(tokenizer, *pair)
        else stock.loglikelihood(asked([pair]))[0]
        for pair in pairs
    ]
    ours = fast.loglikelihood(asked(pairs))
    assert fast.apart == {pair for pair in pairs if merges(tokenizer, *pair)}
    assert [value for value, _ in ours] == pytest.approx([v for v, _ in theirs], abs=1e-4)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


@pytest.mark.parametrize("engine", ["stock", "fast"])
@pytest.mark.parametrize("pair", [("ef", ""), ("", ""), ("", " "), ("ef", "\n")])
def test_answers_that_leave_no_token_are_refused(engine, pair, tokenizer):
    """The vocabulary has no token for the last one."""
    lm = wrap(model_of("llama"), tokenizer, 5, engine)
    with pytest.raises(UserError, match="An answer without tokens"):
        lm.loglikelihood(asked([("ef", "gh"), pair]))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    world.write_checkpoint(folder / "checkpoint")
    world.write_task(folder / "eval", "know", world.CHOICE, world.choice_rows)
    world.write_task(folder / "eval", "binary", world.CHOICE, world.yes_no_rows)
    world.write_task(folder / "eval", "pairs", world.BIAS, world.pair_rows)
    world.write_task(folder / "eval", "own", world.OWN, world.own_rows, n=4, length=8)
    return folder


@pytest.mark.parametrize("shots", [0, 3])
def test_whole_tasks_have_the_scores_of_the_stock_engine(place, shots):
    names = ["know", "binary", "pairs"] if shots else ["know", "binary", "pairs", "own"]
    given = (place / "checkpoint", names, str(place / "eval"))
    stock = evaluate(*given, shots=shots, engine="stock")
    fast = evaluate(*given, shots=shots)
    for one, other in zip(fast, stock, strict=True):
        assert (one["engine"], other["engine"]) == ("fast", "stock")
        for row, expected in zip(one["scores"], other["scores"], strict=True):
            assert row["metric"] == expected["metric"]
            assert row["value"] == pytest.approx(expected["value"], abs=1e-5)
        for item, expected in zip(one["items"], other["items"], strict=True):
            assert item["predicted"] == expected["predicted"]
            assert item["correct"] == expected["correct"]
