"""The MATLAB files of Stringer et al. 2019, in their layout."""

import numpy as np
import pytest
from fuzz.format_fuzz import check_mutations
from scipy.io import savemat

from spikecast.core.errors import FormatError, InputError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken
from spikecast.data.readers import READERS, find_reader, stringer_original

N_NEURONS, N_FRAMES = 6, 450
NAME = "spont_M150824_MP019_2016-04-05.mat"


def write_file(path, n_speed=N_FRAMES):
    rng = np.random.default_rng(0)
    signal = rng.gamma(0.5, size=(N_NEURONS, N_FRAMES)).astype(np.float32)
    stat = np.zeros((1, N_NEURONS), dtype=[("npix", object), ("ipix", object)])
    for neuron in range(N_NEURONS):
        stat[0, neuron] = (float(10 + neuron), np.arange(3 + neuron))
    beh = {
        "runSpeed": rng.random((n_speed, 1)),
        "pupil": {"area": rng.random((N_FRAMES, 1)), "com": rng.random((N_FRAMES, 2))},
        "face": {"motionSVD": rng.random((N_FRAMES, 7)), "avgframe": np.ones((4, 5))},
    }
    med = np.column_stack([np.arange(6), np.zeros(6), [-30, -60, -30, -90, -60, -30]])
    savemat(path, {"Fsp": signal, "stat": stat, "med": med, "beh": beh, "db": {"date": "x"}})
    return signal, beh


def test_frames_neurons_and_behavior(tmp_path):
    signal, beh = write_file(tmp_path / NAME)
    assert find_reader(tmp_path / NAME) is READERS["stringer_original"]
    recording = load(tmp_path, align="none", frame_rate=2.5)
    np.testing.assert_allclose(recording.activity[0], signal.T, atol=1e-3)
    assert recording.bin_size == 0.4
    assert recording.areas == {"VIS": 6}
    assert list(recording.neurons["plane"]) == ["2", "1", "2", "0", "1", "2"]
    assert list(recording.neurons["stat_npix"]) == [10, 11, 12, 13, 14, 15]
    assert set(recording.behavior) == {"running", "pupil_area", "pupil_position", "face_svd"}
    np.testing.assert_allclose(recording.dataset["running"][0], beh["runSpeed"][:, 0], atol=1e-3)
    assert recording.dataset["face_svd"].shape == (1, N_FRAMES, 7)
    assert recording.session == "M150824_MP019_2016-04-05"
    by_plane = load(tmp_path, align="none", frame_rate=2.5, area_column="plane")
    assert by_plane.areas == {"0": 1, "1": 2, "2": 3}


def test_the_rate_must_be_given(tmp_path):
    write_file(tmp_path / NAME)
    with pytest.raises(InputError, match="give frame_rate"):
        load(tmp_path / NAME, align="none")


def test_a_folder_of_files_is_as_many_sessions(tmp_path):
    for name in (NAME, NAME.replace("MP019", "MP027")):
        write_file(tmp_path / name)
    assert len(stringer_original.open_sessions(tmp_path)) == 2


def test_behavior_of_another_length_is_left_out_and_said(tmp_path):
    write_file(tmp_path / NAME, n_speed=17)
    recording = load(tmp_path / NAME, align="none", frame_rate=2.5)
    assert "running" not in recording.behavior
    assert "length_differs" in [notice.code for notice in read_taken(recording.dataset)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"Fsp": np.ones((1, 9))}, "is empty"),
        ({"Fsp": np.full((3, 9), np.nan)}, "holds NaN"),
        ({"Fsp": np.ones((3, 9)), "med": np.ones((2, 3))}, "'med' has shape"),
        ({"Fsp": "text"}, "matrix of numbers"),
    ],
)
def test_bad_files_are_explained(tmp_path, content, reason):
    savemat(tmp_path / "a.mat", content)
    with pytest.raises(FormatError, match=reason):
        load(tmp_path / "a.mat", align="none", frame_rate=2.5)


def read_all(path):
    return load(path, align="none", frame_rate=2.5)


def test_damaged_files_give_errors_of_one_line(tmp_path):
    write_file(tmp_path / NAME)
    assert check_mutations(tmp_path / NAME, read_all, tmp_path, 30) > 3


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path):
    write_file(tmp_path / NAME)
    assert check_mutations(tmp_path / NAME, read_all, tmp_path, 10_000) > 1000
