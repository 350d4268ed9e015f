"""Stretches in which nothing was recorded: left out, or refused within one long trial."""

import numpy as np
import pandas as pd
import pytest

import spikecast as sc
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.cuts.taken import read_taken
from spikecast.data.silence import find_silence

RATE, N_UNITS = 5.0, 6


def write_spikes(folder, *stretches):
    """Write a folder of tables whose units fire at random in some stretches of time."""
    rng = np.random.default_rng(0)
    rows = [
        (time, unit)
        for start, stop in stretches
        for unit in range(N_UNITS)
        for time in rng.uniform(start, stop, rng.poisson(RATE * (stop - start)))
    ]
    folder.mkdir()
    table = pd.DataFrame(rows, columns=["time", "unit"]).sort_values("time")
    table.to_csv(folder / "spikes.csv", index=False)
    pd.DataFrame({"onset": np.arange(1.0, 119, 3)}).to_csv(folder / "trials.csv", index=False)


def taken(recording):
    return {notice.code for notice in read_taken(recording.dataset)}


def test_a_session_begins_with_its_first_spike(tmp_path):
    write_spikes(tmp_path / "late", (60.0, 120.0))
    recording = sc.load(tmp_path / "late", align="none", bin_size=0.5)
    assert "ends_cut" in taken(recording)
    assert recording.time[0] == pytest.approx(60, abs=1)
    assert recording.firing_rate.mean() == pytest.approx(RATE, rel=0.1)


def test_trials_before_the_first_spike_are_left_out(tmp_path):
    write_spikes(tmp_path / "late", (60.0, 120.0))
    recording = sc.load(tmp_path / "late", align="onset", window=(0, 1), bin_size=0.1)
    assert "trials_cut" in taken(recording)
    assert recording.trials["event_time"].min() > 58
    assert recording.activity.any(axis=(1, 2))[1:].all()


def test_trials_within_pauses_are_left_out(tmp_path):
    write_spikes(tmp_path / "paused", (0.0, 20.0), (60.0, 75.0), (110.0, 120.0))
    recording = sc.load(tmp_path / "paused", align="onset", window=(0, 1), bin_size=0.1)
    (notice,) = (one for one in read_taken(recording.dataset) if one.code == "trials_cut")
    assert recording.n_trials == 40 - notice.values["n"]
    assert notice.values["start"] == pytest.approx(22, abs=3)
    assert notice.values["longest"] == pytest.approx(13, abs=1)
    onsets = recording.trials["event_time"].to_numpy()
    assert not ((onsets > 20) & (onsets < 59)).any()
    assert not ((onsets > 75) & (onsets < 109)).any()
    assert "silence" not in {one.code for one in sc.examine(recording)}


def test_a_pause_is_refused_unless_its_window_was_named(tmp_path):
    write_spikes(tmp_path / "paused", (0.0, 40.0), (80.0, 120.0))
    with pytest.raises(InputError, match=r"no unit fires from 40 to 80 s.*for example 0 to 40 s"):
        sc.load(tmp_path / "paused", align="none", bin_size=1.0)
    named = sc.load(tmp_path / "paused", align="none", window=(0, 40), bin_size=0.5)
    assert "silence" not in {one.code for one in sc.examine(named)}
    whole = sc.load(tmp_path / "paused", align="none", window=(0, 119), bin_size=0.5)
    (notice,) = (one for one in sc.examine(whole) if one.code == "silence")
    assert notice.values["seconds"] == pytest.approx(40, abs=1)


def test_chance_and_rare_spikes_are_no_pause(tmp_path):
    write_spikes(tmp_path / "whole", (0.0, 120.0))
    recording = sc.load(tmp_path / "whole", align="none", bin_size=0.5)
    assert not {"ends_cut", "trials_cut"} & taken(recording)
    assert "silence" not in {one.code for one in sc.examine(recording)}
    rare = np.zeros((1, 1000, 2), dtype=int)
    rare[0, ::300, 0] = 1  # some spikes in 1000 s
    assert find_silence(rare, 1.0) == []
    bouts = np.zeros((1, 1000, 2), dtype=int)
    bouts[0, ::100] = 50  # all that fires, fires together
    assert find_silence(bouts, 1.0) == []
    assert find_silence(np.zeros((3, 100, 2), dtype=int), 1.0) == []


def test_a_chosen_unit_that_appears_late_is_no_silence(tmp_path):
    write_spikes(tmp_path / "late", (0.0, 120.0))
    spikes = pd.read_csv(tmp_path / "late" / "spikes.csv")
    keep = (spikes["unit"] > 0) | (spikes["time"] > 60)
    spikes[keep].to_csv(tmp_path / "late" / "spikes.csv", index=False)
    quality = {"unit": np.arange(N_UNITS), "quality": ["good"] + ["mua"] * (N_UNITS - 1)}
    pd.DataFrame(quality).to_csv(tmp_path / "late" / "units.csv", index=False)
    recording = sc.load(tmp_path / "late", align="none", bin_size=0.5)
    assert recording.n_neurons == 1
    assert recording.time[0] < 1


def test_trials_on_another_clock_are_refused(tmp_path):
    write_spikes(tmp_path / "late", (600.0, 700.0))
    with pytest.raises(NotEnoughDataError, match="no unit fires in any of 40 trials"):
        sc.load(tmp_path / "late", align="onset", window=(0, 1), bin_size=0.1)
