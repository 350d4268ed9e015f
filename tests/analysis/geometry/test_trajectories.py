import numpy as np
import pandas as pd
import pytest

from spikecast.analysis.geometry.trajectories import name_conditions, trajectories
from spikecast.core.errors import InputError, ShapeError

TIME = np.arange(20) / 100


@pytest.fixture
def latents():
    """Two conditions that part in one direction of five, halfway through the trial."""
    rng = np.random.default_rng(0)
    side = np.tile([-1.0, 1.0], 20)
    x = 0.3 * rng.normal(size=(40, 20, 5))
    x[:, 10:] += side[:, np.newaxis, np.newaxis] * np.array([0, 0, 2.0, 0, 0])
    return x, np.where(side > 0, "right", "left").astype(object)


def test_the_dimension_that_parts_the_conditions_comes_first(latents):
    x, side = latents
    found = trajectories(x, TIME, side, n_dims=2)
    assert abs(found.axes[0, 2]) > 0.99
    end = found.table[found.table["time"] == TIME[-1]].set_index("condition")
    assert abs(end.loc["left", "x"] - end.loc["right", "x"]) == pytest.approx(4, abs=0.3)
    assert end.loc["left", "x_sem"] == pytest.approx(0.3 / np.sqrt(20), rel=0.5)
    assert found.explained[0] > 0.6
    assert found.table.groupby("condition")["n_trials"].first()["left"] == 20


def test_averages_equal_the_mean_of_the_single_trials(latents):
    x, side = latents
    found = trajectories(x, TIME, side, n_shown=100)
    assert found.trials["trial"].nunique() == 40
    mean = found.trials.groupby(["condition", "time"])["y"].mean()
    np.testing.assert_allclose(found.table["y"], mean, atol=1e-6)
    assert trajectories(x, TIME, side, n_shown=3).trials["trial"].nunique() == 6
    assert trajectories(x, TIME, side, n_shown=0).trials.empty


def test_trials_without_a_condition_are_left_out_and_counted(latents):
    x, side = latents
    side[:4] = None
    found = trajectories(x, TIME, side)
    assert found.n_left_out == 4
    assert found.table.groupby("condition")["n_trials"].first().sum() == 36
    with pytest.raises(InputError, match="every trial"):
        trajectories(x, TIME, [None] * 40)
    with pytest.raises(ShapeError, match="condition"):
        trajectories(x, TIME, side[:-1])


def test_labels_of_several_columns():
    trials = pd.DataFrame({"response": [1.0, np.nan], "side": ["left", "left"]})
    assert name_conditions(trials, ["response", "side"]).tolist() == ["response 1, side left", None]


def test_conditions_and_times_in_another_order_are_refused(latents):
    latents = latents[0]
    names = pd.Series(np.arange(len(latents)) % 2)
    with pytest.raises(InputError, match="not in the order of the recording"):
        trajectories(latents, TIME, names[::-1])
    with pytest.raises(InputError, match="condition is masked"):
        trajectories(latents, TIME, np.ma.masked_equal(names.to_numpy(), 0))
    with pytest.raises(InputError, match="time must rise"):
        trajectories(latents, TIME[::-1], names)
    with pytest.raises(InputError, match=r"n_dims is 1\.5"):
        trajectories(latents, TIME, names, n_dims=1.5)


def test_text_that_is_missing_is_no_condition():
    activity = np.random.default_rng(0).normal(size=(30, 5, 4))
    paths = trajectories(activity, np.arange(5) / 10, ["go", "", "no"] * 10, n_dims=2)
    assert sorted(paths.table["condition"].unique()) == ["go", "no"]
    assert paths.n_left_out == 10


def test_conditions_with_many_digits_are_told_apart():
    trials = pd.DataFrame({"day": [20240101.0, 20240102.0, 0.5]})
    names = ["day 20240101", "day 20240102", "day 0.5"]
    assert name_conditions(trials, "day").tolist() == names
