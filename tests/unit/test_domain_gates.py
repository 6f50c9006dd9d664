"""Gates of the generated domains: the table and the verdicts, from scores made by hand."""

import pandas as pd
import pytest
from domain_gates import by_world, gates, report
from end_task_scores import clozes_of, scores_of

from lethe.errors import UserError

WORLDS = (1, 2)
HOWS = {"full": 95, "adapters-wide": 60, "lora": 80}


def alone(rows_of, world: int, how: str, own: float) -> pd.DataFrame:
    """One domain alone, `a`, from the first stage of two."""
    rows = rows_of({("sequential", "ab", world): (30, own, 0, 0)})
    first = (rows["stage_index"] == 0) | (
        (rows["stage_index"] == 1) & rows["probe"].isin(["task_a", "cloze_a"])
    )
    node = rows["node"].where(rows["stage_index"] == 0, how + rows["node"])
    return rows[first].assign(order="only-a", parametrisation=how, node=node)


def pooled(rows_of, world: int) -> pd.DataFrame:
    return rows_of({("sequential", "pool", world): (30, 0, 85, 87)})


def study(adapters: float = 60) -> pd.DataFrame:
    """Two worlds: naive learns a to 96 and b to 90, and is left with 70 of a."""
    frames = []
    for rows_of in (scores_of, clozes_of):
        for world in WORLDS:
            frames.append(rows_of({("sequential", "ab", world): (30, 96, 70, 90)}))
            frames.append(pooled(rows_of, world))
            for how, own in (HOWS | {"adapters-wide": adapters}).items():
                frames.append(alone(rows_of, world, how, own))
    # The probes of such a study score dev sets.
    return pd.concat(frames).assign(split="dev")


@pytest.mark.parametrize("measure", ["f1", "cloze"])
def test_every_row_is_what_its_chains_scored(measure):
    found = by_world(study(), measure)
    assert found.keys() == set(WORLDS)
    for values in found.values():
        assert values == pytest.approx(
            {
                "base": 30,
                "own, full": 95,
                "own, adapters": 60,
                "own, LoRA": 80,
                "pool": 86,
                "naive, own": 93,
                "naive, final": 80,
                "lost": 26,
            }
        )


def test_test_sets_are_not_read():
    made = study()
    tested = made.assign(split="test", value=made["value"] / 2)
    both = pd.concat([made, tested], ignore_index=True)
    assert report(both) == report(made)
    # An end task's own file is the one that it is tested on.
    ends = made["kind"] == "end_task"
    assert report(made.assign(split=made["split"].mask(ends, "test"))) == report(made)
    with pytest.raises(UserError, match=r"expected scores on dev sets .* found test alone"):
        by_world(tested, "cloze")


def test_gates_are_judged_by_world_and_on_the_mean():
    text = report(study())
    assert "| cloze: own, adapters | 60 | 60 | 60 |" in text
    assert text.count("| yes | yes | yes |") == 10 and "no |" not in text
    text = report(study(adapters=44))
    assert "| F1: own, adapters: 15 above the base | no | no | no |" in text
    assert text.count("| no | no | no |") == 2


def test_a_number_that_is_missing_reaches_nothing():
    assert not any(gates({}).values())
    reached = gates({"own, full": 90, "pool": 95, "naive, final": 95, "lost": 9.9, "base": 0})
    assert list(reached.values()) == [True, False, False, True, False]
