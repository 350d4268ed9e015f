"""Angles that jump are brought onto bins on the circle; others as numbers."""

import numpy as np
import pytest

from spikecast.data.cuts.behavior import bin_behavior
from spikecast.data.cuts.samples import Bins
from spikecast.data.session import Samples

BINS = Bins(events=np.arange(2.0, 8.0), start=0.0, size=0.1, n=10)
MIDDLE = BINS.events[:, np.newaxis] + 0.05 + 0.1 * np.arange(10)
SPEED = 440.0  # degrees per second


def bin_angles(degrees, times, start=0.0, **more):
    """Return the angles of bins, within a turn from `start`, and the notices."""
    wrapped = np.mod(degrees - start, 360.0) + start
    samples = Samples(times, wrapped, **{"period": 360.0} | more)
    variables, notices = bin_behavior({"head": samples}, BINS, (0.0, 10.0))
    return variables, notices


def measure_error(values, degrees):
    return np.abs(np.mod(values - degrees + 180, 360) - 180).max()


@pytest.mark.parametrize("start", [0.0, -180.0, -90.0])
@pytest.mark.parametrize(("step", "error", "how"), [(0.01, 3.0, "mean"), (0.2, 2.0, "interpol")])
def test_means_and_lines_of_angles_are_those_on_the_circle(start, step, error, how):
    times = np.arange(0.0, 10.0, step)
    speed = SPEED if step < 0.1 else SPEED / 10
    variables, (notice,) = bin_angles(speed * times, times, start)
    values = variables["head"]
    assert f"{how}" in str(notice)
    assert "on the circle" in str(notice)
    assert measure_error(values, speed * MIDDLE) < error
    assert start - 1 <= values.min() < values.max() <= start + 361


def test_the_speed_of_an_angle_does_not_jump():
    times = np.arange(0.0, 10.0, 0.01)
    variables, _ = bin_angles(SPEED * times, times, is_position=True)
    np.testing.assert_allclose(variables["head_speed"], SPEED, rtol=1e-3)


def test_channels_are_averaged_one_by_one():
    times = np.arange(0.0, 10.0, 0.01)
    degrees = np.column_stack([SPEED * times, 90 * np.sin(times)])
    variables, _ = bin_angles(degrees, times, -180.0)
    assert measure_error(variables["head"][..., 0], SPEED * MIDDLE) < 3
    np.testing.assert_allclose(variables["head"][..., 1], 90 * np.sin(MIDDLE), atol=1)


def test_a_channel_that_is_no_angle_stays_one_beside_an_angle():
    times = np.arange(0.0, 10.0, 0.01)
    values = np.column_stack([np.mod(SPEED * times, 360.0), 100 * times])
    samples = Samples(times, values, period=360.0)
    variables, (notice,) = bin_behavior({"head": samples}, BINS, (0.0, 10.0))
    assert "on the circle" in str(notice)
    assert measure_error(variables["head"][..., 0], SPEED * MIDDLE) < 3
    np.testing.assert_allclose(variables["head"][..., 1], 100 * MIDDLE, atol=1)


def test_angles_that_go_on_counting_or_do_not_jump_are_averaged_as_numbers():
    times = np.arange(0.0, 10.0, 0.01)
    reset, target = 80 * np.mod(times, 2.5), np.where(np.mod(times, 3) < 1, -120.0, 120.0)
    for degrees in (SPEED * times, 100 * np.sin(times), reset, target):
        samples = Samples(times, degrees)
        plain, _ = bin_behavior({"head": samples}, BINS, (0.0, 10.0))
        samples = Samples(times, degrees, period=360.0)
        same, (notice,) = bin_behavior({"head": samples}, BINS, (0.0, 10.0))
        np.testing.assert_array_equal(same["head"], plain["head"])
        assert "circle" not in str(notice)


@pytest.mark.parametrize(("turn", "said"), [(2 * np.pi, True), (360.0, True), (100.0, False)])
def test_what_looks_like_an_angle_without_a_unit_is_said(turn, said):
    times = np.arange(0.0, 10.0, 0.01)
    for start in (0.0, -turn / 2):
        values = np.mod(1.3 * times * turn, turn) + start
        samples = Samples(times, values, unit="meters" if start else "")
        _, notices = bin_behavior({"head": samples}, BINS, (0.0, 10.0))
        codes = [notice.code for notice in notices]
        assert codes == ["behavior", "angle_jumps"] if said else ["behavior"]
        if said:
            unit = "its unit is 'meters'" if start else "it has no unit"
            name = "degrees" if turn == 360 else "radians"
            assert f"jumps by {turn:.4g}, a whole turn of an angle in {name}" in str(notices[1])
            assert unit in str(notices[1])
