"""Spikes that were cut into trials: planted counts, labels and times, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from fuzz.format_fuzz import check_mutations

from spikecast.core.errors import FormatError, InputError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken
from spikecast.data.readers import trial_spikes

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "ofc"
RATE, N_TRIALS, N_BINS, IDS = 10_000.0, 40, 4, np.array([0, 3, 7])


def write_folder(folder, names=("trials", "times", "neurons")):
    """Write bins of 0.1 s from 0 of each trial; return the counts."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, (N_TRIALS, N_BINS, len(IDS)))
    rows = [
        (trial, 1000 * time + 100 + 200 * spike, IDS[unit])
        for (trial, time, unit), count in np.ndenumerate(counts)
        for spike in range(count)
    ]
    rows = np.array(rows)[rng.permutation(len(rows))]
    lists = dict(zip(names, rows.T, strict=True))
    np.savez(folder / "spikes.npz", **lists, tmax=np.array(4000))
    onsets = 1000 * (1 + np.arange(N_TRIALS) % 2) + np.arange(N_TRIALS)
    np.savez(
        folder / "labels.npz",
        choice=np.arange(N_TRIALS) % 2, odor_in=np.zeros(N_TRIALS, dtype=int), water_in=onsets,
    )  # fmt: skip
    return counts, onsets


@pytest.mark.parametrize(
    "names", [("trials", "times", "neurons"), ("trials", "spiketimes", "neuron_ids")]
)
def test_counts_are_those_planted(tmp_path, names):
    counts, _ = write_folder(tmp_path / "mine", names)
    recording = load(
        tmp_path / "mine", align="odor_in", window=(0, 0.4), bin_size=0.1, frame_rate=RATE
    )
    np.testing.assert_array_equal(recording.activity, counts)
    assert list(recording.trials["choice"]) == [0, 1] * 20
    assert list(recording.neurons["unit"]) == list(IDS)


def test_numbers_of_half_precision_are_read(tmp_path):
    counts, _ = write_folder(tmp_path / "mine")
    lists = dict(np.load(tmp_path / "mine" / "spikes.npz"))
    halves = {name: lists[name].astype(np.float16) for name in ("trials", "neurons")}
    np.savez(tmp_path / "mine" / "spikes.npz", **lists | halves)
    recording = load(
        tmp_path / "mine", align="odor_in", window=(0, 0.4), bin_size=0.1, frame_rate=RATE
    )
    np.testing.assert_array_equal(recording.activity, counts)


def test_text_is_taken_however_it_is_stored_and_other_objects_are_named(tmp_path):
    write_folder(tmp_path / "mine")
    sides = np.array(["left", "right"] * 20)
    lacking = sides.astype(object)
    lacking[3] = None
    more = {"side": sides.astype(object), "odor": sides.astype("S"), "lacking": lacking}
    np.savez(tmp_path / "mine" / "more.npz", **more)
    recording = load(
        tmp_path / "mine", align="odor_in", window=(0, 0.4), bin_size=0.1, frame_rate=RATE
    )
    assert recording.trials["side"].tolist() == recording.trials["odor"].tolist() == sides.tolist()
    (notice,) = (n for n in read_taken(recording.dataset) if n.code == "objects_left_out")
    assert notice.values["names"] == ["lacking"]


def test_columns_are_times_or_labels_and_it_is_said(tmp_path):
    _, onsets = write_folder(tmp_path / "mine")
    recording = load(
        tmp_path / "mine", align="water_in", window=(0, 0.2), bin_size=0.1, frame_rate=RATE
    )
    np.testing.assert_allclose(
        recording.trials["event_time"], (np.arange(N_TRIALS) * 4000 + onsets) / RATE
    )
    notice = next(n for n in read_taken(recording.dataset) if n.code == "trials_on_one_clock")
    assert notice.values["times"] == ["odor_in", "water_in"]
    assert notice.values["labels"] == ["choice"]


def test_windows_that_reach_out_of_a_trial_are_left_out(tmp_path):
    _, onsets = write_folder(tmp_path / "mine")
    recording = load(
        tmp_path / "mine", align="water_in", window=(0, 0.25), bin_size=0.05, frame_rate=RATE
    )
    assert recording.n_trials == (onsets + 2500 <= 4000).sum() == 20
    text = " ".join(map(str, read_taken(recording.dataset)))
    assert "19 whose window reaches where nothing was recorded" in text


def test_the_rate_must_be_given(tmp_path):
    write_folder(tmp_path / "mine")
    with pytest.raises(InputError, match="give frame_rate"):
        load(tmp_path / "mine", align="odor_in", window=(0, 0.4), bin_size=0.1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trials": [0, -1]}, "'trials' must be whole numbers from 0"),
        ({"trials": [0, 2**40]}, "'trials' reaches"),
        ({"times": [0.5]}, "must be equally long"),
        ({"times": [0.5, np.nan]}, "'times' must be a list of finite numbers"),
        ({"neurons": ["a", "b"]}, "'neurons' must be a list of finite numbers"),
        ({"tmin": 9, "tmax": 3}, "trials go from 9 to 3"),
        ({"choice": [1]}, "has spikes of trial 1; the trial table has 1 rows"),
    ],
)
def test_bad_files_are_explained(tmp_path, change, reason):
    content = {"trials": [0, 1], "times": [5, 6], "neurons": [0, 0]} | change
    np.savez(tmp_path / "mine.npz", **content)
    with pytest.raises(FormatError, match=reason):
        trial_spikes.read_trial_spikes(tmp_path / "mine.npz")


def read_all(path):
    if trial_spikes.sniff(path):
        load(path, align="odor_in", window=(0, 0.4), bin_size=0.1, frame_rate=RATE)


def test_damaged_folders_give_errors_of_one_line(tmp_path):
    write_folder(tmp_path / "mine")
    assert check_mutations(tmp_path / "mine", read_all, tmp_path, 30) > 3


@pytest.mark.slow
def test_ten_thousand_damaged_folders(tmp_path):
    write_folder(tmp_path / "mine")
    assert check_mutations(tmp_path / "mine", read_all, tmp_path, 10_000) > 1000


def test_the_real_sample():
    if not SAMPLE.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    recording = load(SAMPLE, align="odor_in", window=(0, 3), bin_size=0.1, frame_rate=RATE)
    assert recording.shape == (308, 30, 15)
    assert set(recording.trials["choice"]) == {1, 2}
    with np.load(SAMPLE / "ofc2_data.npz") as data:
        early = (data["times"] < 1000) & (data["trials"] == 4)
        expected = np.bincount(data["neurons"][early], minlength=15)
    np.testing.assert_array_equal(recording.activity[4, 0], expected)


def test_labels_of_one_session_never_go_with_spikes_of_another(tmp_path):
    write_folder(tmp_path / "mine")
    spikes = dict(np.load(tmp_path / "mine" / "spikes.npz"))
    np.savez(tmp_path / "mine" / "other.npz", **spikes)
    with pytest.raises(FormatError, match="holds spikes of 2 sessions, 'other"):
        trial_spikes.read_trial_spikes(tmp_path / "mine")
    (tmp_path / "mine" / "other.npz").unlink()
    np.savez(tmp_path / "mine" / "other.npz", choice=np.zeros(N_TRIALS))
    with pytest.raises(FormatError, match="an array 'choice', and so has another file"):
        trial_spikes.read_trial_spikes(tmp_path / "mine")


def test_the_number_of_trials_is_not_that_of_spikes_or_of_something_else(tmp_path):
    write_folder(tmp_path / "mine")
    spikes = dict(np.load(tmp_path / "mine" / "spikes.npz"))
    size = np.ones(len(spikes["times"]))
    np.savez(tmp_path / "mine" / "spikes.npz", **spikes, amplitude=size)
    raw = trial_spikes.read_trial_spikes(tmp_path / "mine")
    assert len(raw.tables["trials"]) == N_TRIALS
    np.savez(tmp_path / "mine" / "spikes.npz", **spikes, waveform=np.ones(61))
    with pytest.raises(FormatError, match="with 40 values and 'waveform' with 61"):
        trial_spikes.read_trial_spikes(tmp_path / "mine")


def test_trials_that_seem_to_count_from_one_are_said(tmp_path):
    write_folder(tmp_path / "mine")
    spikes = dict(np.load(tmp_path / "mine" / "spikes.npz"))
    keep = spikes["trials"] > 0
    spikes |= {name: spikes[name][keep] for name in ("trials", "times", "neurons")}
    np.savez(tmp_path / "mine" / "spikes.npz", **spikes)
    raw = trial_spikes.read_trial_spikes(tmp_path / "mine")
    assert "first_empty" in {notice.code for notice in raw.notices}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trials": [0, 1, 9_999_999]}, "3 spikes, and one in trial 9999999"),
        ({"trials": [0.0, 1.0, 1e300]}, "'trials' reaches"),
        ({"neurons": np.array([0, 1, 2**63], dtype=np.uint64)}, "'neurons' reaches"),
        ({"times": [0.0, 1.0, 1e308]}, "must be samples"),
        ({"tmin": -1e308, "tmax": 1e308}, "must be samples"),
    ],
)
def test_a_few_spikes_do_not_make_millions_of_trials(tmp_path, change, reason):
    lists = {"trials": [0, 1, 2], "times": [0, 1, 2], "neurons": [0, 1, 1]} | change
    np.savez(tmp_path / "a.npz", **lists)
    with pytest.raises(FormatError, match=reason):
        trial_spikes.read_trial_spikes(tmp_path / "a.npz")
