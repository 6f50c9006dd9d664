"""A few hundred of the studies of `fuzz_configurations.py`."""

import pytest
from fuzz_configurations import problem_of
from mutations import Mutations

SLICE = 150


@pytest.mark.parametrize("first", [0, SLICE])
def test_any_study_is_right_or_wrong_in_one_sentence(tmp_path, first):
    mutations, said = Mutations(), set()
    for number in range(first, first + SLICE):
        file = tmp_path / "study.yaml"
        file.write_text(mutations.text(number), encoding="utf-8")
        problem, text = problem_of(file)
        assert not problem, f"study {number}: {problem}\n{text}"
        said.add(text)
    assert "" in said and len(said) > SLICE / 3
