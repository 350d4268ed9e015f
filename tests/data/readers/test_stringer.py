import numpy as np
import pytest
from packagings import write_stringer

from spikecast.core.errors import FormatError
from spikecast.data import load, simulate


@pytest.fixture
def recording():
    return simulate.spontaneous(n_neurons=30, n_bins=120, planes=3).recording


def save(path, content):
    np.save(path, np.array(content, dtype=object))
    return path


def test_writing_and_reading_gives_the_same_recording(tmp_path, recording):
    write_stringer(tmp_path / "one.npy", recording)
    assert load(tmp_path / "one.npy").identical(recording)


def test_every_key_of_the_spontaneous_file_arrives(tmp_path):
    rng = np.random.default_rng(0)
    stat = np.array([{"npix": 10 + i, "radius": 2.5, "ypix": np.arange(4)} for i in range(6)])
    content = {
        "sresp": rng.random((6, 50)).astype(np.float32),
        "run": rng.random((50, 1)),
        "pupilArea": rng.random((50, 1)),
        "pupilCOM": rng.random((50, 2)),
        "beh_svd_time": rng.random((50, 7)),
        "beh_svd_mask": rng.random((4, 5, 7)),
        "stat": stat,
        "xyz": np.stack([np.arange(6), np.arange(6), [30, 30, 60, 60, 90, 90]]).astype(float),
    }
    recording = load(save(tmp_path / "s.npy", content))
    assert recording.behavior == ["running", "pupil_area", "pupil_position", "face_svd"]
    assert recording.neurons["plane"].tolist() == [0, 0, 1, 1, 2, 2]
    assert recording.neurons["stat_npix"].tolist() == [10, 11, 12, 13, 14, 15]
    assert "stat_ypix" not in recording.neurons
    assert recording.bin_size == 1.2
    assert recording.dataset["face_svd_mask"].shape == (4, 5, 7)
    np.testing.assert_array_equal(recording.activity[0], content["sresp"].T)
    write_stringer(tmp_path / "again.npy", recording)
    assert (
        load(tmp_path / "again.npy").dataset.drop_attrs().identical(recording.dataset.drop_attrs())
    )


def test_every_key_of_the_orientation_file_arrives(tmp_path):
    rng = np.random.default_rng(0)
    content = {
        "sresp": rng.random((6, 50)).astype(np.float32),
        "istim": rng.random(50) * 6,
        "run": rng.random(50),
        "xyz": rng.random((3, 6)),
        "u_spont": rng.random((6, 4)),
        "v_spont": rng.random((4, 9)),
        "mean_spont": rng.random(6),
        "std_spont": rng.random(6),
    }
    recording = load(save(tmp_path / "o.npy", content))
    np.testing.assert_array_equal(recording.dataset["stimulus_angle"][0], content["istim"])
    assert recording.dataset["spontaneous_u"].dims == ("neuron", "spontaneous_component")
    assert recording.dataset["spontaneous_v"].shape == (4, 9)
    assert recording.select(neurons=[1, 2]).dataset["spontaneous_mean"].shape == (2,)


def test_bad_files_are_explained(tmp_path):
    with pytest.raises(FormatError, match="required key 'sresp'"):
        load(save(tmp_path / "a.npy", {"run": np.zeros(3)}))
    with pytest.raises(FormatError, match=r"'run' has shape \(9, 1\)"):
        load(save(tmp_path / "b.npy", {"sresp": np.zeros((3, 10)), "run": np.zeros((9, 1))}))
    np.save(tmp_path / "c.npy", np.zeros(4))
    with pytest.raises(FormatError, match="one pickled dict"):
        load(tmp_path / "c.npy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bin_size": "a"}, "'bin_size' must hold numbers"),
        ({"bin_size": [1.2, 1.2]}, "'bin_size' must be one number"),
        ({"bin_size": True}, "'bin_size' must be one number of seconds"),
        ({"sresp": [[1], [1, 2]]}, "'sresp' must hold numbers"),
        ({"sresp": np.ones((3, 9)) + 1j}, "'sresp' must hold numbers"),
        ({"xyz": np.ones((2, 3))}, "'xyz' has shape"),
        ({"xyz": np.full((3, 3), "a")}, "'xyz' must hold numbers"),
        ({"mean_spont": np.ones((3, 1))}, "'mean_spont' has shape"),
        ({"beh_svd_mask": np.ones((4, 5))}, "'beh_svd_mask' has shape"),
    ],
)
def test_odd_arrays_are_one_line(tmp_path, change, message):
    content = {"sresp": np.random.default_rng(0).random((3, 9))} | change
    with pytest.raises(FormatError, match=message):
        load(save(tmp_path / "s.npy", content))


def test_a_number_beyond_all_decimal_ones_is_one_line(tmp_path):
    save(tmp_path / "a.npy", {"sresp": np.ones((2, 5)), "run": [10**400] * 5})
    with pytest.raises(FormatError, match="'run' must hold numbers"):
        load(tmp_path / "a.npy")
