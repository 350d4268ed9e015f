"""MATLAB files of matrices, one per area."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from fuzz.format_fuzz import check_mutations
from scipy.io import savemat
from scipy.sparse import csc_matrix

import spikecast
from spikecast.core.errors import FormatError, InputError
from spikecast.data import load
from spikecast.data.event_files import read_matlab
from spikecast.data.readers.matlab import read_matrices

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "semedo"


@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    return {"X": rng.normal(size=(300, 5)), "Y_V2": rng.normal(size=(300, 3))}


@pytest.mark.parametrize("turned", [False, True])
def test_each_matrix_is_an_area(tmp_path, matrices, turned):
    content = {name: values.T if turned else values for name, values in matrices.items()}
    savemat(tmp_path / "mine.mat", content | {"note": "residuals", "fs": 10.0})
    for path in (tmp_path / "mine.mat", tmp_path):
        recording = load(path, align="none", frame_rate=10)
        assert recording.areas == {"X": 5, "Y_V2": 3}
        assert (recording.shape, recording.kind) == ((1, 300, 8), "continuous")
        expected = np.concatenate(list(matrices.values()), axis=1).astype(np.float32)
        np.testing.assert_allclose(recording.activity[0], expected, atol=1e-4)


def test_areas_with_equally_many_neurons_lie_along_the_longer_axis(tmp_path):
    savemat(tmp_path / "two.mat", {"a": np.eye(9, 3), "b": np.eye(9, 3)[::-1]})
    loaded = load(tmp_path / "two.mat", align="none", frame_rate=10)
    assert loaded.areas == {"a": 3, "b": 3}
    assert loaded.shape == (1, 9, 6)


def test_the_rate_must_be_given(tmp_path, matrices):
    savemat(tmp_path / "mine.mat", matrices)
    with pytest.raises(InputError, match="give frame_rate"):
        load(tmp_path / "mine.mat", align="none")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"a": np.arange(9.0)}, "no matrices of numbers"),
        ({"a": np.ones((9, 3)), "b": np.ones((8, 4))}, r"must share one axis.*a \(9, 3\), b"),
        ({"a": np.ones((4, 4))}, "must share one axis"),
        ({"a": np.full((9, 3), np.nan)}, "'a' holds NaN"),
    ],
)
def test_bad_files_are_explained(tmp_path, content, reason):
    savemat(tmp_path / "mine.mat", content)
    with pytest.raises(FormatError, match=reason):
        load(tmp_path / "mine.mat", align="none", frame_rate=10)


def read_all(path):
    return load(path, align="none", frame_rate=10)


def test_damaged_files_give_errors_of_one_line(tmp_path, matrices):
    savemat(tmp_path / "mine.mat", matrices)
    assert check_mutations(tmp_path / "mine.mat", read_all, tmp_path, 30) > 3


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path, matrices):
    savemat(tmp_path / "mine.mat", matrices)
    assert check_mutations(tmp_path / "mine.mat", read_all, tmp_path, 10_000) > 1000


def test_the_sample_has_a_communication_subspace():
    """V1 speaks to V2 through about two dimensions, and to itself through more."""
    if not SAMPLE.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    recording = load(SAMPLE, align="none", frame_rate=10)
    assert recording.areas == {"X": 79, "Y_V1": 31, "Y_V2": 31}
    to_v2 = spikecast.communication_subspace(recording, "X", "Y_V2", bins=1)
    to_v1 = spikecast.communication_subspace(recording, "X", "Y_V1", bins=1)
    assert to_v2.rank == 2
    assert min(to_v1.rank, to_v2.rank_within) > 2
    assert to_v2.claim.stands


def test_text_and_nothing_in_matlab_7_3_are_no_activity(tmp_path, matrices):
    path = tmp_path / "mine.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in matrices.items():
            file[name] = values.T
        file["names"] = np.full((4, 300), 65, dtype=np.uint16)
        file["names"].attrs["MATLAB_class"] = np.bytes_("char")
        file["nothing"] = np.zeros((2, 300), dtype=np.uint64)
        file["nothing"].attrs["MATLAB_empty"] = np.uint8(1)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    assert load(path, align="none", frame_rate=10).areas == {"X": 5, "Y_V2": 3}


def test_what_is_no_full_matrix_is_left_out_and_said(tmp_path, matrices):
    more = {"Z": csc_matrix(matrices["X"]), "W": 1j * matrices["X"], "V": np.ones((3, 4, 5))}
    savemat(tmp_path / "mine.mat", matrices | more)
    notices = read_matrices(tmp_path / "mine.mat").notices
    assert [one.values["names"] for one in notices if one.code == "variables_left_out"] == [
        ["Z (sparse)", "W (complex)", "V (3 axes)"]
    ]


def test_so_it_is_of_matlab_7_3(tmp_path, matrices):
    of_two = np.zeros((300, 3), dtype=[("real", float), ("imag", float)])
    sparse = csc_matrix(matrices["X"] * (matrices["X"] > 1))
    path = tmp_path / "mine.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in matrices.items():
            file[name] = values.T
        file["W"], file["one"] = of_two.T, matrices["X"][:, :1].T
        group = file.create_group("Z")
        group.attrs["MATLAB_sparse"] = np.uint64(300)
        group["data"], group["ir"], group["jc"] = sparse.data, sparse.indices, sparse.indptr
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    read = read_matlab(path)
    assert read["W"].dtype == complex
    np.testing.assert_array_equal(read["Z"].toarray(), sparse.toarray())
    session = read_matrices(path)
    assert session.traces.values.shape == (300, 8)
    assert [one.values["names"] for one in session.notices if one.code == "variables_left_out"] == [
        ["W (complex)", "one (one column: times, or a single neuron)", "Z (sparse)"]
    ]
