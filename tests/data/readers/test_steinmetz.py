import zipfile

import numpy as np
import pytest
from packagings import build_session, write_steinmetz

from spikecast.core.errors import FormatError, InputError
from spikecast.data import load, load_all, simulate
from spikecast.data.readers import steinmetz


@pytest.fixture
def raw(recording):
    return build_session(recording)


def write_sessions(path, *sessions):
    dat = np.empty(len(sessions), dtype=object)
    dat[:] = sessions
    np.savez_compressed(path, dat=dat)
    return path


def test_writing_and_reading_gives_the_same_recording(tmp_path, recording):
    write_steinmetz(tmp_path / "one.npz", recording)
    assert load(tmp_path / "one.npz").identical(recording)


def test_several_sessions_are_told_apart(tmp_path, recording):
    other = simulate.decision_task(n_trials=7, areas={"A": 3}, seed=9).recording
    path = tmp_path / "two.npz"
    write_steinmetz(path, recording, other)
    assert load(path, 1).identical(other)
    assert [r.n_trials for r in load_all(path)] == [60, 7]
    with pytest.raises(InputError, match="holds 2 sessions"):
        load(path)
    with pytest.raises(InputError, match="session 2 is not in"):
        load(path, 2)


def test_a_folder_of_parts_is_one_data_set(tmp_path, recording):
    for part in range(3):
        write_steinmetz(tmp_path / f"steinmetz_part{part}.npz", recording, recording)
    assert len(list(load_all(tmp_path))) == 6


def test_every_optional_key_arrives_under_its_name(raw):
    n_neurons, n_trials, n_bins = raw["spks"].shape
    rng = np.random.default_rng(0)
    raw |= {
        "ccf": rng.normal(size=(n_neurons, 3)),
        "ccf_axes": ["ap", "dv", "lr"],
        "trough_to_peak": np.full(n_neurons, 12.0),
        "cellid_orig": np.arange(n_neurons),
        "prev_reward": rng.normal(size=(n_trials, 1)),
        "active_trials": np.ones(n_trials, dtype=bool),
        "spks_passive": rng.poisson(0.1, (n_neurons, 9, n_bins)),
        "wheel_passive": rng.normal(size=(1, 9, n_bins)),
        "pupil_passive": rng.normal(size=(3, 9, n_bins)),
        "contrast_left_passive": np.zeros(9),
    }
    recording = steinmetz.build_recording(raw)
    assert set(recording.trials) == {
        "contrast_left", "contrast_right", "response", "feedback", "gocue_time", "response_time",
        "feedback_time", "previous_feedback_time", "reaction_time", "reaction_direction", "active",
    }  # fmt: skip
    assert set(recording.neurons) == {"area", "x", "y", "z", "trough_to_peak", "cell_id"}
    assert set(recording.behavior) == {"wheel", "pupil", "face", "licks"}
    assert recording.neurons["trough_to_peak"][0] == pytest.approx(0.4)  # ms: 12 samples at 30 kHz
    dataset = recording.dataset
    assert dataset["activity_passive"].dims == ("passive_trial", "time", "neuron")
    assert dataset["wheel_passive"].dims == ("passive_trial", "time")
    assert dataset["pupil_passive"].dims == ("passive_trial", "time", "pupil_channel")
    np.testing.assert_array_equal(dataset["pupil"].values[..., 1], raw["pupil"][1])
    # and all of it survives a round trip
    assert steinmetz.build_recording(build_session(recording)).identical(recording)


def test_events_years_from_their_trial_are_no_seconds(raw):
    raw["gocue"] = np.full((raw["spks"].shape[1], 1), 1.0)
    raw["gocue"][3] = np.nan
    steinmetz.build_recording(raw)
    raw["gocue"][4] = 1e301
    with pytest.raises(FormatError, match=r"'gocue_time' goes up to 1e\+301 s"):
        steinmetz.build_recording(raw)


def test_active_trials_of_another_length_get_their_own_axis(raw):
    raw["active_trials"] = np.arange(75) < 60
    assert steinmetz.build_recording(raw).dataset["active"].dims == ("all_trial",)


def test_the_time_axis_follows_from_bin_size_and_stim_onset(raw):
    raw |= {"bin_size": 0.02, "stim_onset": 0.1}
    time = steinmetz.build_recording(raw).time
    assert time[0] == pytest.approx(0.01 - 0.1)
    assert time[1] - time[0] == pytest.approx(0.02)


class TestEventClock:
    """Event times may count from the stimulus or from the start of the trial."""

    @pytest.mark.parametrize("evidence", ["wheel", "go cue"])
    @pytest.mark.parametrize("clock", ["stimulus", "trial start"])
    def test_the_clock_is_read_from_the_data(self, evidence, clock):
        simulated = simulate.decision_task(n_trials=60, areas={"A": 3}, seed=1).recording
        raw = build_session(simulated)
        if evidence == "go cue":
            del raw["wheel"]
        if clock == "trial start":
            for key in ("gocue", "response_time", "feedback_time"):
                raw[key] = raw[key] + raw["stim_onset"]
        recording = steinmetz.build_recording(raw)
        assert recording.dataset.attrs["event_clock"] == clock
        assert evidence in recording.dataset.attrs["event_clock_evidence"]
        np.testing.assert_allclose(recording.trials["gocue_time"], simulated.trials["gocue_time"])

    def test_without_evidence_the_stimulus_is_assumed(self, raw):
        for key in ("wheel", "gocue"):
            del raw[key]
        attributes = steinmetz.build_recording(raw).dataset.attrs
        assert "assumed" in attributes["event_clock_evidence"]


class TestBadFiles:
    @pytest.mark.parametrize("key", steinmetz.REQUIRED)
    def test_a_missing_required_key_is_named(self, tmp_path, raw, key):
        del raw[key]
        with pytest.raises(FormatError, match=f"lacks the required key '{key}'"):
            load(write_sessions(tmp_path / "bad.npz", raw))

    def test_a_wrong_length_is_named(self, raw):
        raw["response"] = raw["response"][:-1]
        with pytest.raises(FormatError, match=r"'response' has shape \(59,\)"):
            steinmetz.build_recording(raw)
        raw["wheel"] = raw["wheel"][:, :, :-2]
        raw["response"] = np.zeros(60)
        with pytest.raises(FormatError, match="'wheel'"):
            steinmetz.build_recording(raw)

    @pytest.mark.parametrize("key", ["bin_size", "stim_onset"])
    def test_a_truth_value_is_no_number_of_seconds(self, raw, key):
        raw[key] = True
        with pytest.raises(FormatError, match=f"'{key}' must be one number of seconds"):
            steinmetz.build_recording(raw)

    @pytest.mark.parametrize("value", [np.nan, -1])
    def test_nan_and_negative_counts_are_refused(self, raw, value):
        raw["spks"] = raw["spks"].astype(float)
        raw["spks"][0, 0, 0] = value
        with pytest.raises(InputError, match=r"NaN|negative"):
            steinmetz.build_recording(raw)

    def test_another_npz_is_refused(self, tmp_path):
        np.savez(tmp_path / "other.npz", spikes=np.zeros(3))
        with pytest.raises(FormatError, match="no array 'dat'"):
            load(tmp_path / "other.npz")

    def test_truncated_files_are_refused(self, tmp_path, recording):
        whole = tmp_path / "whole.npz"
        write_steinmetz(whole, recording)
        content = whole.read_bytes()
        for length in (0, 10, 200, len(content) // 2, len(content) - 30):
            cut = tmp_path / "cut.npz"
            cut.write_bytes(content[:length])
            with pytest.raises(FormatError):
                load(cut)

    def test_a_truncated_member_is_refused(self, tmp_path, recording):
        whole = tmp_path / "whole.npz"
        write_steinmetz(whole, recording)
        inner = zipfile.ZipFile(whole).read("dat.npy")
        for length in (50, 500, len(inner) - 100):
            with zipfile.ZipFile(tmp_path / "cut.npz", "w") as archive:
                archive.writestr("dat.npy", inner[:length])
            with pytest.raises(FormatError):
                load(tmp_path / "cut.npz")


def test_the_real_recordings_read_as_described(real_file):
    shapes = [recording.shape for recording in load_all(real_file)]
    assert shapes == [
        (114, 40, 734), (251, 40, 1070), (249, 40, 1769), (250, 40, 1157), (342, 40, 857),
        (340, 40, 698), (300, 40, 983),
    ]  # fmt: skip
    recording = load(real_file, 5)
    assert recording.areas["MD"] == 126
    assert recording.time[0] == pytest.approx(0.005)
    assert "response" not in recording.trials


def test_odd_columns_are_one_line_and_no_area_is_an_empty_one(tmp_path, raw):
    raw |= {"wheel": np.ones((1, *raw["spks"].shape[1:])), "stim_onset": 0.05}
    for key in ("response", "response_time", "brain_area"):
        wide = np.stack([raw[key], raw[key]], axis=1)
        with pytest.raises(FormatError, match=f"'{key}' has shape"):
            load(write_sessions(tmp_path / "wide.npz", raw | {key: wide}))
    missing = {"gocue": np.full(len(raw["response"]), np.nan)}
    areas = np.array([None, *raw["brain_area"][1:]], dtype=object)
    nothing = {key: value for key, value in raw.items() if key != "wheel"}
    recording = load(write_sessions(tmp_path / "a.npz", nothing | missing | {"brain_area": areas}))
    assert recording.area[0] == ""
