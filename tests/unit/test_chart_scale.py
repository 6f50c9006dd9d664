"""A side of a chart whose crowded end is spread."""

import pytest

from lethe.report.charts import SPREAD, Scale


def test_a_crowded_end_takes_its_share_and_values_keep_their_order():
    scale = Scale(0.0, 100.0, 0.0, 200.0, knee=90.0)
    assert scale(0.0) == 0.0 and scale(100.0) == 200.0
    assert scale(90.0) == pytest.approx(200 * (1 - SPREAD))
    places = [scale(float(value)) for value in range(101)]
    assert places == sorted(places)
    ticks = scale.ticks()
    assert ticks == sorted(set(ticks)) and sum(tick >= 90 for tick in ticks) > 2
