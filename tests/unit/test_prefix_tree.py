"""The prefix tree: every text is there, seen as it stands alone, and little is computed twice."""

import random

import pytest
import torch

from lethe.errors import UserError
from lethe.evaluation.engines import prefix_tree
from lethe.evaluation.engines.prefix_tree import Branch, grow, rows_of
from lethe.evaluation.engines.requests import batches, in_halves


def seen(pack, place: int) -> list[int]:
    """The pack's tokens that the one at `place` attends to."""
    return [j for j in range(place + 1) if pack.ends[j] > place]


def texts_of(branch: Branch, before: list[int], found: dict[int, list]) -> dict[int, list]:
    """For every request: per target, what is read before it is predicted."""
    before = before + branch.tokens
    for pack in branch.packs:
        for one in pack.wanted:
            readings = []
            for source in one.sources:
                places = seen(pack, source)
                positions = [pack.positions[place] for place in places]
                assert positions == list(range(len(before), len(before) + len(places)))
                readings.append(before + [pack.tokens[place] for place in places])
            found[one.request] = readings
    for further in branch.branches:
        assert further.start == len(before)
        texts_of(further, before, found)
    return found


def computed(branch: Branch) -> int:
    """Tokens that go through the model."""
    below = sum(computed(further) for further in branch.branches)
    return len(branch.tokens) + sum(len(pack.tokens) for pack in branch.packs) + below


def asked(seed: int, vocabulary: int, n: int = 60) -> list[tuple]:
    """Short texts of few words, so that they share beginnings of all lengths."""
    generator = random.Random(seed)

    def draw(most):
        return [generator.randrange(vocabulary) for _ in range(generator.randint(1, most))]

    return [(None, [0, *draw(12)], draw(4)) for _ in range(n)]


@pytest.mark.parametrize("price", [0, 5, 10**6])
@pytest.mark.parametrize("width", [1, 64])
@pytest.mark.parametrize("vocabulary", [2, 3, 30])
def test_every_token_is_predicted_from_its_own_text_alone(vocabulary, width, price, monkeypatch):
    monkeypatch.setattr(prefix_tree, "PRICE_OF_KEEPING", price)
    monkeypatch.setattr(prefix_tree, "LEAST_KEPT", 1)
    requests = asked(vocabulary, vocabulary)
    rows = rows_of(requests, 100)
    tree = grow(rows, width, 40)
    found = texts_of(tree, [], {})
    assert len(found) == len(requests)
    for number, (_, context, answer) in enumerate(requests):
        whole = context + answer
        lengths = range(len(context), len(whole))
        assert found[number] == [whole[:length] for length in lengths]
    assert computed(tree) <= sum(len(row.tokens) for row in rows)


def test_one_shared_header_is_computed_once_and_choices_share_a_row():
    header = list(range(300))
    questions = [header + [1000 + n] * 40 for n in range(20)]
    requests = [(None, question, [7, 8, n]) for question in questions for n in range(4)]
    requests += [(None, question, [n]) for question in questions for n in range(4)]
    tree = grow(rows_of(requests, 2048), 256, 2048)
    (branch,) = tree.branches
    assert branch.tokens == header
    assert not tree.packs
    assert [pack.tokens for pack in branch.packs].count(questions[0][300:] + [7, 8]) == 1
    assert computed(tree) == 300 + 20 * 42


def test_sentences_without_a_context_are_not_packed_into_one_endless_row():
    generator = random.Random(0)
    sentences = [[generator.randrange(50, 90) for _ in range(14)] for _ in range(500)]
    tree = grow(rows_of([(None, [1], sentence) for sentence in sentences], 2048), 256, 2048)
    packs = list(tree.packs)
    assert max(len(pack.tokens) for pack in packs) < 300
    assert sum(len(pack.wanted) for pack in packs) == 500


def test_texts_that_go_on_from_each_other_fill_one_row_however_many():
    text = list(range(1500))
    requests = [(None, text[:n], [n]) for n in range(1, 1500)]
    tree = grow(rows_of(requests, 2048), 64, 256)
    assert [pack.tokens for pack in tree.packs] == [text[:1499]]
    assert not any(pack.forks for pack in tree.packs)


def test_batches_hold_what_was_given_within_their_tokens():
    generator = random.Random(1)
    lengths = [generator.randint(1, 60) for _ in range(200)] + [500]
    made = list(batches(lengths, lambda length: length, 128))
    assert sorted(length for batch in made for length in batch) == sorted(lengths)
    assert all(max(batch) * len(batch) <= 128 for batch in made if batch != [500])
    assert len(made) < 70


def test_a_batch_that_does_not_fit_is_computed_in_parts():
    asked = []

    def work(batch):
        asked.append(len(batch))
        if len(batch) > 2 or "too large" in batch:
            raise torch.OutOfMemoryError
        return {item: item * 10 for item in batch}

    assert in_halves([1, 2, 3, 4, 5], work) == {n: 10 * n for n in range(1, 6)}
    assert asked == [5, 2, 3, 1, 2]
    with pytest.raises(UserError, match="even one text at a time"):
        in_halves([1, "too large"], work)
