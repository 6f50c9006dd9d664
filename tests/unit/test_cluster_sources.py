"""Clusters of one name are the same cluster only where the sets come from one dataset."""

import pytest

from lethe.comparison.compared import _drawn_together
from lethe.comparison.sets import set_change
from lethe.imported.result_file import TaskResult


def side(source: str, clusters: int, rights: int) -> dict:
    items = [
        {"item_id": f"i{n}", "cluster_id": str(n % clusters), "metrics": {"acc": float(n < rights)}}
        for n in range(20)
    ]
    row = {"metric": "acc", "subset": "", "value": rights / 20, "n": 20, "stderr": 0.1}
    row |= {"higher_is_better": True}
    return {"cluster_source": source, "items": items, "scores": [row], "chance": None}


def change(name: str, source: str):
    return set_change(name, "acc", (side(source, 5, 16), side(source, 5, 9)), "facts")


@pytest.mark.parametrize(
    ("sources", "drawn"),
    [(("a/one", "a/one"), {0, 1}), (("a/one", "b/two"), set()), (("", ""), {0, 1})],
)
def test_sets_are_drawn_together_if_they_share_clusters_of_one_dataset(sources, drawn):
    changes = [change(name, source) for name, source in zip("xy", sources, strict=True)]
    assert set(_drawn_together(changes)) == drawn


@pytest.mark.parametrize(
    ("named", "dataset"), [('"org/facts"', '"org/facts"'), ('"json"', ""), (None, "")]
)
def test_a_loader_of_local_files_is_no_dataset(named, dataset):
    keys = {} if named is None else {"dataset_path": named}
    result = TaskResult("x", ("x",), {}, {}, {}, 1, "1", 0, None, None, keys, {})
    assert result.dataset == dataset
