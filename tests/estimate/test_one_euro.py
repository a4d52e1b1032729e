"""Laws of the One Euro filter."""

import numpy as np
import pytest

from bodydouble.estimate.one_euro import OneEuro


def test_the_first_value_and_a_value_at_rest_pass_unchanged():
    steady = OneEuro(0.01, 10)
    for time in (0.0, 0.1, 5.0):
        np.testing.assert_array_equal(steady(np.array([3.0, -2.0]), time, 1.0), [3, -2])


def test_noise_at_rest_shrinks_and_a_fast_move_passes():
    rng = np.random.default_rng(1)
    steady = OneEuro(0.01, 10)
    noisy = rng.normal(0, 0.001, 300)
    out = np.array([steady(np.array([value]), i / 30, 1.0)[0] for i, value in enumerate(noisy)])
    assert out[100:].std() < 0.3 * noisy.std()
    moved = [steady(np.array([0.1 * i]), (300 + i) / 30, 1.0)[0] for i in range(30)]
    assert moved[-1] > 0.9 * 2.9


def test_the_unit_of_the_value_does_not_matter():
    rng = np.random.default_rng(2)
    values = np.cumsum(rng.normal(0, 0.01, (50, 2)), axis=0)
    small, large = OneEuro(0.01, 10), OneEuro(0.01, 10)
    for i, value in enumerate(values):
        np.testing.assert_allclose(large(1000 * value, i / 25, 1000.0), 1000 * small(value, i / 25, 1.0), rtol=1e-9)


@pytest.mark.parametrize("time", [0.0, -1.0])
def test_time_that_stands_still_or_runs_back_breaks_nothing(time):
    steady = OneEuro(0.01, 10)
    steady(np.array([0.0]), 0.0, 1.0)
    assert 0 < steady(np.array([1.0]), time, 1.0)[0] < 1
