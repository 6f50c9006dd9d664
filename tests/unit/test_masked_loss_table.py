"""The table of masked-LM losses on a study of worked numbers."""

import pandas as pd
import pytest
from synthetic_study import Synthetic, synthetic_study

from lethe.longtables.tables import LongTables
from lethe.tables.masked_loss import build

LOSSES = {  # by stage: of domain a, of domain b
    0: (3.0, 3.5),
    1: (1.0, 3.0),
    2: (1.75, 0.5),
}


@pytest.fixture(scope="module")
def table():
    known, _ = synthetic_study(Synthetic(models=(("enc", 1000),), orders=("forward",), items=4))
    first = known.iloc[0].to_dict()
    rows = []
    for seed in (0, 1, 2):
        for stage, losses in LOSSES.items():
            for domain, loss in zip("ab", losses, strict=True):
                row = {**first, "base_seed": seed, "stage_index": stage, "kind": "mlm"}
                row |= {"stage_task": "" if stage == 0 else "ab"[stage - 1], "axis": "domain"}
                row |= {"probe": f"loss_{domain}", "metric": "mlm_loss", "split": "test"}
                rows.append({**row, "value": loss + 0.1 * seed, "subset": ""})
    return build(LongTables(scores=pd.DataFrame(rows), metrics=pd.DataFrame())).frame


def test_forgetting_is_the_rise_since_the_domains_own_stage(table):
    a, b = table.to_dict("records")
    assert (a["domain"], b["domain"]) == ("a", "b")
    assert a["before"] == pytest.approx(3.1)
    assert a["right_after"] == pytest.approx(1.1)
    assert a["final"] == pytest.approx(1.85)
    assert a["mlm_loss_delta"] == pytest.approx(0.75)
    assert a["mlm_loss_delta_low"] == pytest.approx(0.75)
    assert b["right_after"] == b["final"] == pytest.approx(0.6)
    assert a["runs"] == 3


def test_the_last_domain_has_no_forgetting_yet(table):
    assert pd.isna(table.iloc[1]["mlm_loss_delta"])
