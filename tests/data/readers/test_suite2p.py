"""Folders of Suite2p: planted traces, cells, planes and pickles, and what is refused."""

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from fuzz.format_fuzz import check_mutations

from spikecast.core.errors import FormatError, UnsafeFileError
from spikecast.data import load
from spikecast.data.readers import suite2p

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "suite2p"
RATE = 15.0


def write_plane(folder, n_rois=5, n_frames=40, seed=0, ops=True):
    """Write one plane as suite2p does, and return its deconvolved traces."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    spks = rng.gamma(0.3, size=(n_rois, n_frames)).astype(np.float32)
    np.save(folder / "spks.npy", spks)
    np.save(folder / "F.npy", spks + 2)
    np.save(folder / "Fneu.npy", np.ones_like(spks))
    iscell = np.column_stack([np.arange(n_rois) % 2 == 0, np.linspace(0.9, 0.1, n_rois)])
    np.save(folder / "iscell.npy", iscell.astype(float))
    stat = [
        {"med": [10 * roi, 20 * roi + 1], "ypix": np.arange(3), "npix": 3, "skew": np.float32(roi)}
        for roi in range(n_rois)
    ]
    np.save(folder / "stat.npy", np.array(stat), allow_pickle=True)
    if ops:
        settings = {
            "fs": RATE, "nplanes": 1, "date_proc": datetime(2024, 5, 6), "save_path0": Path("/a/b"),
            "meanImg": np.ones((4, 4), np.float32), "yrange": [0, 4], "Lx": np.int64(4),
        }  # fmt: skip
        np.save(folder / "ops.npy", settings, allow_pickle=True)
    return spks


def test_traces_are_those_planted(tmp_path):
    spks = write_plane(tmp_path / "mouse" / "suite2p" / "plane0")
    for path in (tmp_path / "mouse", tmp_path / "mouse/suite2p", tmp_path / "mouse/suite2p/plane0"):
        assert suite2p.sniff(path)
        session = suite2p.read_folder(path)
        np.testing.assert_array_equal(session.traces.values, spks.T)
        np.testing.assert_allclose(session.traces.times, (np.arange(40) + 0.5) / RATE)
        assert (session.frame_rate, session.in_frames) == (RATE, False)
        assert session.session == "mouse"
    assert list(session.units["iscell"]) == [True, False, True, False, True]
    assert list(session.units["x"]) == [1, 21, 41, 61, 81]
    assert list(session.units["y"]) == [0, 10, 20, 30, 40]
    assert list(session.units["skew"]) == [0, 1, 2, 3, 4]
    assert "ypix" not in session.units
    assert session.notices[0].values["signal"] == "spks"


def test_bins_of_a_frame_are_the_frames(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("events.npy", [0.5, 2.0])
    spks = write_plane(tmp_path / "plane0", ops=False)
    long = load(tmp_path, align="none", frame_rate=10)
    np.testing.assert_allclose(long.activity[0], spks[::2].T, atol=1e-4)
    cut = load(
        tmp_path, align="events.npy", window=(0, 0.5), bin_size=0.1, frame_rate=10, units="all"
    )
    np.testing.assert_allclose(cut.activity[1], spks[:, 20:25].T, atol=1e-4)


def test_planes_lie_side_by_side_in_order_of_their_numbers(tmp_path):
    planes = [write_plane(tmp_path / f"plane{i}", n_rois=2, seed=i) for i in range(11)]
    long = write_plane(tmp_path / "plane11", n_rois=2, n_frames=41, seed=11)
    write_plane(tmp_path / "combined")
    session = suite2p.read_folder(tmp_path)
    expected = np.concatenate([*planes, long[:, :40]]).T
    np.testing.assert_array_equal(session.traces.values, expected)
    assert list(session.units["plane"])[:4] == ["0", "0", "1", "1"]
    assert list(session.area_columns) == ["plane"]
    assert {notice.code for notice in session.notices} >= {"planes_together", "frames_cut"}


def test_without_ops_times_are_frames(tmp_path):
    write_plane(tmp_path / "plane0", ops=False)
    session = suite2p.read_folder(tmp_path)
    assert session.in_frames
    assert session.duration == (0, 40)


def test_without_spks_the_neuropil_is_taken_off(tmp_path):
    spks = write_plane(tmp_path / "plane0")
    (tmp_path / "plane0" / "spks.npy").unlink()
    session = suite2p.read_folder(tmp_path)
    np.testing.assert_allclose(session.traces.values, spks.T + 2 - 0.7, rtol=1e-6)
    assert session.notices[0].values["signal"] == "F - 0.7 Fneu"
    for name, value in (("F", 3e38), ("Fneu", -3e38)):  # each finite, their difference is not
        path = tmp_path / f"plane0/{name}.npy"
        values = np.load(path)
        values[1, 0] = value
        np.save(path, values)
    with pytest.raises(FormatError, match="Fneu: ROI 1 holds NaN or infinite"):
        suite2p.read_folder(tmp_path)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.mark.parametrize("name", ["stat.npy", "ops.npy"])
def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_plane(tmp_path / "plane0")
    np.save(tmp_path / "plane0" / name, {"fs": Hostile()}, allow_pickle=True)
    with pytest.raises(UnsafeFileError, match=f"{name}.*system"):
        suite2p.read_folder(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_bad_files_are_explained(tmp_path):
    plane = tmp_path / "plane0"
    spks = write_plane(plane)
    for name, content, reason in (
        ("iscell.npy", np.ones((3, 2)), "iscell.npy' has shape .*5 ROIs"),
        ("iscell.npy", [[1, 0.9], [0, 0.1], [0.4, 0.4], [-1, 0], [1, 1]], "npy': row 2 has 0.4 in"),
        ("iscell.npy", [0.0, 1.0, 1.0, 0.0, np.nan], "row 4 has nan .* 1 rows have another"),
        ("stat.npy", np.array([{}], dtype=object), "must hold 5 dicts"),
        ("ops.npy", {"fs": -1}, "no frame rate 'fs'"),
        ("spks.npy", np.where(spks > 0.5, np.nan, spks), "ROI 0 holds NaN"),
        ("spks.npy", spks[0], "must be ROIs x frames"),
    ):
        kept = (plane / name).read_bytes()
        np.save(plane / name, content, allow_pickle=True)
        with pytest.raises(FormatError, match=reason):
            suite2p.read_folder(tmp_path)
        (plane / name).write_bytes(kept)
    write_plane(tmp_path / "plane1")
    np.save(tmp_path / "plane1" / "ops.npy", {"fs": 3.0}, allow_pickle=True)
    with pytest.raises(FormatError, match="different frame rates"):
        suite2p.read_folder(tmp_path)


def test_damaged_folders_give_errors_of_one_line(tmp_path):
    write_plane(tmp_path / "mine" / "plane0")
    assert check_mutations(tmp_path / "mine", suite2p.read_folder, tmp_path, 30) > 5


@pytest.mark.slow
def test_ten_thousand_damaged_folders(tmp_path):
    write_plane(tmp_path / "mine" / "plane0")
    assert check_mutations(tmp_path / "mine", suite2p.read_folder, tmp_path, 10_000) > 2000


def test_the_real_sample():
    if not SAMPLE.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    session = suite2p.read_folder(SAMPLE)
    assert session.traces.values.shape == (2000, 219)
    assert session.in_frames
    assert session.units["iscell"].sum() == 20


def test_stat_may_hold_any_number_and_what_other_files_say(tmp_path):
    write_plane(tmp_path / "plane0", n_rois=2)
    stat = [{"med": [10**400, 1], "npix": 10**400, "iscell": 0.0} for _ in range(2)]
    np.save(tmp_path / "plane0/stat.npy", np.array(stat), allow_pickle=True)
    units = suite2p.read_folder(tmp_path).units
    assert list(units["iscell"]) == [True, False]
    assert np.isinf(units[["npix", "y"]]).to_numpy().all()


def test_planes_keep_their_numbers_and_hold_one_signal(tmp_path):
    for number in (0, 2, 10):
        write_plane(tmp_path / f"plane{number}", seed=number)
    recording = load(tmp_path, align="none")
    assert sorted(set(recording.area)) == ["0", "10", "2"]
    (tmp_path / "plane2" / "spks.npy").unlink()
    with pytest.raises(FormatError, match="plane0 and plane2 hold different signals"):
        load(tmp_path, align="none")
    write_plane(tmp_path / "plane00")
    with pytest.raises(FormatError, match="two planes of one number"):
        load(tmp_path, align="none")
