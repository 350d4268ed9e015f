"""Planted parts of several sources are found, in their order; what is not there is silent."""

import numpy as np
import pytest

import spikecast as sc
from spikecast.core.errors import NotEnoughDataError, UnknownNameError


@pytest.fixture(scope="module")
def planted():
    simulated = sc.simulate.unrelated_areas(
        120, (30, 30, 30, 30), n_bins=80, coupling={"A": 0.08, "C": 0.2}, seed=1
    )
    return simulated, sc.explain(simulated.recording, "B", folds=4)


def test_unique_parts_of_sources_are_found_and_a_null_source_is_silent(planted):
    simulated, found = planted
    table = found.table.set_index("part")
    assert table.loc[["A", "C"], "stands"].all()
    assert not table.loc["D", "stands"]
    worth = simulated.truth.worth.query("area == 'B'").set_index("part")["bits_per_spike"]
    for source in "AC":  # no more than is there, and a good part of it: neurons are noisy readers
        assert table.loc[source, "low"] < worth[f"coupling {source}"]
        assert table.loc[source, "high"] > 0.3 * worth[f"coupling {source}"]
    ratio = table.loc["C", "value"] / table.loc["A", "value"]
    assert 1.5 < ratio < 4.5  # planted 2.5


def test_the_parts_sum_to_the_whole(planted):
    table = planted[1].table.set_index("part")["value"]
    assert table.drop("total").sum() == pytest.approx(table["total"])


def test_drift_and_own_neurons_have_their_part(planted):
    table = planted[1].table.set_index("part")
    assert table.loc[["total", "drift", "own neurons"], "stands"].all()
    assert "total" in str(planted[1])


def test_what_many_neurons_read_is_recovered_but_for_their_noise():
    simulated = sc.simulate.unrelated_areas(
        200, (200, 16, 200), n_bins=80, drift_sd=20.0, coupling={"A": 0.08, "C": 0.08}, seed=3
    )
    found = sc.explain(simulated.recording, "B", lag=2, folds=4, n_shifts=0, n_resamples=300)
    for source in "AC":  # by 200 neurons, at the planted lag
        row = found.table.set_index("part").loc[source]
        assert row["value"] > 0.7 * 0.08  # a fifth is lost to noise of neurons and of the fit
        assert row["low"] < 0.08


@pytest.mark.parametrize("stimulus", [pytest.param(0.0, marks=pytest.mark.slow), 0.1])
def test_areas_that_share_nothing_but_a_stimulus_explain_nothing_alone(stimulus):
    wrong = 0
    for seed in range(4):
        recording = sc.simulate.unrelated_areas(
            100, (15, 15, 15), n_bins=60, stimulus=stimulus, seed=10 + seed
        ).recording
        table = sc.explain(recording, "B", folds=4, n_resamples=300).table
        wrong += int(table[table["kind"] == "area"]["stands"].sum())
    assert wrong <= 1  # of 8


def test_movement_is_a_part_of_its_own():
    recording = sc.simulate.unrelated_areas(
        100, (15, 15), n_bins=60, movement=0.15, seed=2
    ).recording
    table = sc.explain(recording, "B", folds=3, n_shifts=0).table.set_index("part")
    assert table.loc["movement", "stands"]
    assert table.loc["A", "untested"] == "off"
    assert not table.loc[["A", "own neurons"], "stands"].any()


def test_small_areas_are_taken_together_and_names_are_checked():
    recording = sc.simulate.unrelated_areas(40, (5, 12, 6, 14), n_bins=40, seed=1).recording
    table = sc.explain(recording, "B", folds=2, n_shifts=0, n_resamples=100).table
    assert table["part"].tolist() == [
        "total", "task", "drift", "D", "other areas", "shared", "own neurons"
    ]  # fmt: skip
    assert np.isfinite(table["value"]).all()
    with pytest.raises(UnknownNameError, match="unknown area 'E'"):
        sc.explain(recording, "E")


def test_windows_of_a_continuous_recording_are_explained():
    rng = np.random.default_rng(0)
    common = np.cumsum(rng.normal(size=(1, 3000, 1)), axis=1) / 20
    activity = rng.normal(size=(1, 3000, 24)) + common
    recording = sc.Recording.from_arrays(
        activity, 0.1 * np.arange(3000), ["A"] * 12 + ["B"] * 12, kind="continuous"
    )
    found = sc.explain(recording, "B", folds=3, n_resamples=100)
    assert found.metric == "r2"
    assert found.table.set_index("part").loc["total", "value"] > 0.2
    assert np.isfinite(found.table["value"]).all()


def test_an_area_that_is_one_neuron_many_times_is_refused():
    x = np.random.default_rng(0).poisson(1.0, (20, 10, 7))
    x = np.concatenate([x, *[x[:, :, 6:]] * 7], axis=2)
    copied = sc.Recording.from_arrays(x, 0.05 * np.arange(10), ["A"] * 6 + ["B"] * 8)
    with pytest.raises(NotEnoughDataError, match="the 8 neurons of B look like one that was"):
        sc.explain(copied, "B", folds=2)
