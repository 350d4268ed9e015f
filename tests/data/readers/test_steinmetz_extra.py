"""Spike times and waveforms of the Steinmetz recordings, beside the main files."""

import numpy as np
import pytest
from fuzz.format_fuzz import check_mutations
from packagings import build_session

from spikecast.core.errors import FormatError, SpikecastError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken


def write_dicts(path, *sessions):
    dat = np.empty(len(sessions), dtype=object)
    dat[:] = sessions
    np.savez_compressed(path, dat=dat)


def plant_times(raw, offset):
    """Return spike times (neuron, trial) that give the counts of the main file."""
    counts, size = raw["spks"], float(raw["bin_size"])
    times = np.empty(counts.shape[:2], dtype=object)
    for neuron, trial in np.ndindex(times.shape):
        bins = np.repeat(np.arange(counts.shape[2]), counts[neuron, trial])
        times[neuron, trial] = (bins + 0.5) * size - offset
    return times


@pytest.fixture
def folder(tmp_path, recording):
    raw = build_session(recording)
    n_trials = raw["spks"].shape[1]
    rng = np.random.default_rng(0)
    raw["response_time"] = rng.uniform(0.35, 0.4, n_trials) + float(raw["stim_onset"])
    raw["feedback_time"] = raw["response_time"] + 0.02
    raw["gocue"] = np.full(n_trials, 0.3) + float(raw["stim_onset"])
    milliseconds = rng.uniform(150, 300, n_trials)
    milliseconds[0] = np.inf  # no movement
    raw["reaction_time"] = np.column_stack([milliseconds, np.ones(n_trials)])
    raw.pop("trough_to_peak", None)
    write_dicts(tmp_path / "steinmetz_part0.npz", raw)
    return tmp_path, raw


@pytest.mark.parametrize("start", ["stimulus", "start of the trial"])
def test_counts_are_those_of_the_main_file(folder, start):
    path, raw = folder
    offset = float(raw["stim_onset"]) if start == "stimulus" else 0.0
    times = plant_times(raw, offset)
    write_dicts(path / "steinmetz_st.npz", {"ss": times, "ss_passive": times[:, :3]})
    onset, size = float(raw["stim_onset"]), float(raw["bin_size"])
    n_bins = raw["spks"].shape[2]
    cut = load(
        path / "steinmetz_st.npz",
        align="stimulus_time", window=(-onset, n_bins * size - onset), bin_size=size,
    )  # fmt: skip
    main = load(path)
    np.testing.assert_array_equal(cut.activity, main.activity)
    assert list(cut.area) == list(main.area)
    np.testing.assert_array_equal(cut.trials["contrast_left"], main.trials["contrast_left"])
    notice = next(n for n in read_taken(cut.dataset) if n.code == "trials_laid_out")
    assert notice.values["start"] == start
    assert notice.values["share"] == 1


def test_other_bins_around_other_events(folder):
    path, raw = folder
    write_dicts(path / "steinmetz_st.npz", {"ss": plant_times(raw, float(raw["stim_onset"]))})
    cut = load(path / "steinmetz_st.npz", align="feedback_time", window=(-0.2, 0), bin_size=0.05)
    assert cut.n_bins == 4
    neuron, trial = 3, 5
    feedback = float(load(path).trials["feedback_time"][trial])
    times = plant_times(raw, float(raw["stim_onset"]))[neuron, trial]
    inside = (times >= feedback - 0.2) & (times < feedback)
    assert cut.activity[trial, :, neuron].sum() == inside.sum()
    moved = load(path / "steinmetz_st.npz", align="movement_time", window=(-0.1, 0), bin_size=0.05)
    assert moved.n_trials == cut.n_trials - 1
    notice = next(n for n in read_taken(moved.dataset) if n.code == "movement_time")
    assert notice.values["unit"] == 0.001


def test_waveforms_give_the_width_of_spikes(folder):
    path, raw = folder
    n_neurons = len(raw["spks"])
    width = np.full(n_neurons, 9.0)
    wave = {"waveform_w": np.zeros((n_neurons, 82, 3)), "trough_to_peak": width}
    assert "trough_to_peak" not in load(path).neurons
    write_dicts(path / "steinmetz_wav.npz", wave)
    for source in (path, path / "steinmetz_wav.npz"):
        np.testing.assert_allclose(load(source).neurons["trough_to_peak"], 0.3)


def test_what_is_lacking_is_named(folder):
    path, raw = folder
    times = plant_times(raw, 0.0)
    write_dicts(path / "steinmetz_st.npz", {"ss": times}, {"ss": times})
    with pytest.raises(FormatError, match="spike times of 2 sessions, and needs"):
        load(path / "steinmetz_st.npz", session=0)
    write_dicts(path / "steinmetz_st.npz", {"ss": times[:-1]})
    with pytest.raises(FormatError, match="'ss' has shape"):
        load(path / "steinmetz_st.npz")
    times[0, 0] = ["x"]
    write_dicts(path / "steinmetz_st.npz", {"ss": times})
    with pytest.raises(FormatError, match="something other than lists of times"):
        load(path / "steinmetz_st.npz")


ODD_VALUES = [
    None, "text", b"bytes", np.nan, -1.0, 10**12, [], {}, np.zeros(0), np.zeros((2, 3)),
    np.full(5, np.nan), np.array(["a", "b"]), np.array([None, 1], dtype=object),
]  # fmt: skip


def read_with_one_odd_value(path, raw, times, rng):
    """Put an odd value for one field of one of the files and read; return what was odd."""
    files = {
        "steinmetz_part0": dict(raw),
        "steinmetz_st": {"ss": times.copy(), "ss_passive": times[:, :3]},
        "steinmetz_wav": {
            "waveform_w": np.zeros((len(times), 82, 3)),
            "trough_to_peak": np.full(len(times), 9.0),
        },
    }
    name = sorted(files)[rng.integers(3)]
    fields = sorted(files[name])
    field, odd = fields[rng.integers(len(fields))], ODD_VALUES[rng.integers(len(ODD_VALUES))]
    if field == "ss" and rng.random() < 0.5:
        files[name][field][0, rng.integers(times.shape[1])] = odd
    else:
        files[name][field] = odd
    for file, content in files.items():
        write_dicts(path / f"{file}.npz", content)
    try:
        load(path / "steinmetz_st.npz", align="feedback_time", window=(-0.2, 0), bin_size=0.05)
        load(path / "steinmetz_wav.npz")
    except SpikecastError as error:
        if "\n" in str(error):
            raise AssertionError(f"two lines for '{field}' of {name}: {error}") from error
    except Exception as error:
        error.add_note(f"'{field}' of {name} is {odd!r}")
        raise


@pytest.mark.parametrize("n", [20, pytest.param(4_000, marks=pytest.mark.slow)])
def test_odd_values_give_a_recording_or_one_line(folder, n):
    path, raw = folder
    times, rng = plant_times(raw, float(raw["stim_onset"])), np.random.default_rng(n)
    for _ in range(n):
        read_with_one_odd_value(path, raw, times, rng)


@pytest.mark.parametrize("n", [40, pytest.param(6_000, marks=pytest.mark.slow)])
def test_damaged_files_give_a_recording_or_one_line(folder, tmp_path, n):
    _, raw = folder
    sample = tmp_path / "sample"
    sample.mkdir()
    write_dicts(sample / "steinmetz_part0.npz", raw)
    write_dicts(sample / "steinmetz_st.npz", {"ss": plant_times(raw, float(raw["stim_onset"]))})

    def read(copy):
        place = {"align": "feedback_time", "window": (-0.2, 0), "bin_size": 0.05}
        return load(copy / "steinmetz_st.npz", **place)

    assert check_mutations(sample, read, tmp_path, n) > n // 4
