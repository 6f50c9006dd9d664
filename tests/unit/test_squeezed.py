"""An axis with an empty stretch: what has points stays in scale, and the stretch becomes narrow."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lethe.figures.squeezed import NARROW, empty_stretch, squeeze

ENDS = (10.0, 104.0)


def test_only_a_stretch_of_half_an_axis_is_narrowed_and_values_keep_room_beside_it():
    assert empty_stretch([18, 95, np.nan, 100], ENDS, 5.0) == (23.0, 90.0)
    assert empty_stretch([18, 60, 95], ENDS, 5.0) is None
    assert empty_stretch([18, 18], ENDS, 5.0) is empty_stretch([], ENDS, 5.0) is None


def test_both_sides_have_one_scale_and_no_tick_is_between_them():
    figure, axes = plt.subplots()
    squeeze(axes, (23.0, 90.0), ENDS)
    transform = axes.xaxis.get_transform()
    points = np.linspace(*ENDS, 300)
    drawn = transform.transform(points)
    assert (np.diff(drawn) > 0).all()
    assert transform.inverted().transform(drawn) == pytest.approx(points)

    def length(low, high):
        return np.diff(transform.transform(np.array([low, high])))[0]

    assert length(12, 14) == pytest.approx(2) == pytest.approx(length(98, 100))
    in_scale = length(10, 23) + length(90, 104)
    assert length(23, 90) == pytest.approx(NARROW * in_scale)
    ticks = axes.get_xticks()
    assert any(tick <= 23 for tick in ticks) and any(tick >= 90 for tick in ticks)
    assert not any(23 < tick < 90 for tick in ticks)
    plt.close(figure)
