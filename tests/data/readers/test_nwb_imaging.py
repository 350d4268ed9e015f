"""Traces in one container of an NWB file: kinds of trace of the same cells, planes, fields."""

import numpy as np
import pytest

from spikecast.core.errors import FormatError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken

pytest.importorskip("pynwb", reason="the extra nwb is not installed")
import nwb_files as planted

RAW = "RoiResponseSeries"


@pytest.fixture
def read(tmp_path):
    """Write a file of traces, and return its recording."""

    def read_traces(traces, container="Fluorescence", **more):
        nwb = planted.make_file()
        planted.add_traces(nwb, traces, container)
        return load(planted.write_file(nwb, tmp_path / "imaging.nwb"), align="none", **more)

    return read_traces


def find(recording, code):
    return [str(one) for one in read_taken(recording.dataset) if one.code == code]


@pytest.mark.parametrize(
    ("names", "best"),
    [
        ((RAW, "Neuropil", "Deconvolved"), "Deconvolved"),
        ((RAW, "Dff", "Neuropil", "Deconvolved"), "Dff"),
        ((RAW, "Denoised", "Deconvolved", "Baseline"), "Deconvolved"),
        (("Baseline", "Denoised", RAW), RAW),
        (("Baseline", "Denoised", "F"), "F"),
        (("Neuropil", "NeuropilCorrected"), "NeuropilCorrected"),
        (("Baseline", "Neuropil"), "Baseline"),
    ],
)
def test_kinds_of_trace_of_the_same_cells_are_not_taken_as_planes(read, names, best):
    traces = [planted.Trace(name, base=10.0 * place) for place, name in enumerate(names)]
    recording = read(traces)
    assert recording.n_neurons == 4
    assert recording.areas == {"V1": 4}
    assert np.floor(recording.activity / 10).max() == names.index(best)
    (said,) = find(recording, "responses")
    assert f"'{best}' (not taken: " in said
    assert all(f"Fluorescence/{name}" in said for name in names if name != best)
    assert not find(recording, "responses_left_out")


def test_neuropil_alone_is_refused(read):
    with pytest.raises(FormatError, match="neuropil only: Fluorescence/Neuropil"):
        read([planted.Trace("Neuropil")])


def test_planes_of_a_volume_are_taken_together_with_their_best_kind(read):
    """The last volume broke off after its first plane."""
    traces = [
        planted.Trace(f"{name}Plane{plane}", f"cells{plane}", n, plane / 30, 10.0 * plane)
        for plane, n in enumerate((401, 400, 400))
        for name in (RAW, "Deconvolved", "Neuropil")
    ]
    recording = read(traces)
    assert recording.n_neurons == 12
    assert recording.activity.shape[1] <= 400
    names = [f"DeconvolvedPlane{plane}" for plane in range(3)]
    assert recording.neurons["plane"].tolist() == list(np.repeat(names, 4))
    means = recording.activity.mean(axis=(0, 1))
    np.testing.assert_array_equal(np.floor(means / 10), np.repeat([0, 1, 2], 4))
    assert f"{names[0]}', '{names[1]}" in find(recording, "responses")[0]
    assert "wrong by up to 0.0667 s" in find(recording, "planes_together")[0]
    assert "400 to 401 frames" in find(recording, "frames_cut")[0]


def test_planes_that_are_rows_of_one_table_are_taken_together(read):
    traces = [planted.Trace(f"plane-{one}", rows=range(3 * one, 3 * one + 3)) for one in (0, 1)]
    recording = read(traces, "Deconvolved")
    assert recording.neurons["plane"].tolist() == ["plane-0"] * 2 + ["plane-1"] * 3
    assert not find(recording, "planes_together")


@pytest.mark.parametrize("table", ["cells0", "cells1"])
def test_a_field_of_view_that_was_recorded_later_is_left_out_and_named(read, table):
    recording = read([planted.Trace("FOV1"), planted.Trace("FOV2", table, start=600.0)])
    assert recording.n_neurons == 4
    (said,) = find(recording, "responses_left_out")
    assert "Fluorescence/FOV2 (5 cells) left out: its 400 frames from 600 to 639.9 s" in said
    assert "are not those of 'FOV1', 400 frames from 0 to 39.9 s" in said


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        ({"rate": 10.08}, "0.317 s"),  # a rounded rate
        ({"start": 0.15}, "0.15 s"),
        ({"start": -0.15, "n_frames": 401}, "0.15 s"),
    ],
)
def test_planes_whose_times_differ_by_some_frames_are_taken_with_a_warning(read, other, apart):
    recording = read([planted.Trace("F0"), planted.Trace("F1", "cells1", **other)])
    assert recording.n_neurons == 8
    (said,) = find(recording, "planes_apart")
    assert "2 planes are taken as simultaneous by their numbers" in said
    assert f"up to {apart} apart" in said
    assert not find(recording, "responses_left_out")


def test_planes_of_different_length_or_kind_are_left_out_and_named(read):
    traces = [
        planted.Trace("DeconvolvedPlane0"),
        planted.Trace("DeconvolvedPlane1", "cells1", n_frames=300),
        planted.Trace("RoiResponseSeriesPlane2", "cells2"),
    ]
    recording = read(traces)
    assert recording.n_neurons == 4
    length, kind = find(recording, "responses_left_out")
    assert "DeconvolvedPlane1 (5 cells) left out: its 300 frames from 0 to 29.9 s are not" in length
    assert "RoiResponseSeriesPlane2 (5 cells) left out: it is another kind of trace than" in kind


def test_cells_that_only_a_series_left_out_has_are_counted(read):
    """Cell 2 is in both of the first series; the third one has cell 4, which the second has too."""
    rows = {"F1": (0, 1, 2), "F2": (2, 3, 4), "F3": (4, 5)}
    recording = read([planted.Trace(name, rows=cells) for name, cells in rows.items()])
    assert recording.n_neurons == 4
    (said,) = find(recording, "responses_left_out")
    assert "Fluorescence/F2 (1 cells) left out: other cells of it are in a series" in said
