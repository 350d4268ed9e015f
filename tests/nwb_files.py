"""NWB files with planted truth, written by pynwb."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.behavior import (
    BehavioralEvents,
    BehavioralTimeSeries,
    CompassDirection,
    Position,
    SpatialSeries,
)
from pynwb.epoch import TimeIntervals
from pynwb.file import Subject
from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, OpticalChannel, RoiResponseSeries

EVENTS = np.arange(5.0, 95.0, 3.0)  # 30 trials
IDS = [11, 7, 30]
AREAS = ["CA1", "MOs", "MOs"]


def spike_times():
    """Unit u fires u + 1 spikes in bin (trial + u) % 15 of every trial, bins of 0.1 s from -0.5."""
    times = []
    for unit in range(3):
        starts = EVENTS - 0.5 + 0.1 * ((np.arange(30) + unit) % 15)
        times.append(np.sort((starts[:, None] + 0.02 * np.arange(1, unit + 2)).ravel()))
    return times


def expected_counts():
    counts = np.zeros((30, 15, 3), dtype=int)
    for unit in range(3):
        counts[np.arange(30), (np.arange(30) + unit) % 15, unit] = unit + 1
    return counts


def make_file():
    return NWBFile(
        session_description="planted",
        identifier="planted-1",
        session_start_time=datetime(2026, 1, 1, tzinfo=UTC),
        session_id="s7",
        subject=Subject(subject_id="m3", species="Mus musculus"),
    )


def write_parts(path, *parts):
    """Write a file made of parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of containers that are old, as many files have them
        nwb = make_file()
        for part in parts:
            part(nwb)
        return write_file(nwb, path)


def add_electrodes(nwb, locations=AREAS, group_location="probe"):
    """One electrode per unit, in backward order, ids from 100."""
    device = nwb.create_device(name="probe")
    group = nwb.create_electrode_group(
        name="g", description="", location=group_location, device=device
    )
    for number, location in enumerate(locations[::-1]):
        nwb.add_electrode(
            id=100 + number, x=0.0, y=float(number), z=0.0, location=location, group=group
        )
    return group


def add_units(nwb, times=None, ids=IDS, electrodes=True, **columns):
    for name in columns:
        nwb.add_unit_column(name=name, description=name)
    n_electrodes = len(nwb.electrodes) if electrodes else 0
    for unit, of_unit in enumerate(spike_times() if times is None else times):
        more = {"electrodes": [n_electrodes - 1 - unit]} if electrodes else {}
        more |= {name: values[unit] for name, values in columns.items()}
        nwb.add_unit(spike_times=of_unit, id=ids[unit], **more)


def add_observed_units(nwb, group):
    """Units that name their largest electrode and their group, with a pause and an invalid time."""
    nwb.add_unit_column(name="max_electrode", description="largest", table=nwb.electrodes)
    for unit, times in enumerate(spike_times()):
        nwb.add_unit(
            spike_times=times,
            electrodes=[0, 1, 2],
            max_electrode=2 - unit,
            electrode_group=group,
            obs_intervals=[[0.0, 50.2], [60.0 + 3 * unit, 100.0]],
        )
    nwb.add_invalid_time_interval(start_time=10.0, stop_time=12.0)


def add_trials(nwb, name="trials", events=EVENTS, onset=True):
    table = TimeIntervals(name=name, description="planted")
    if onset:
        table.add_column(name="onset", description="event")
    table.add_column(name="side", description="text")
    for trial, event in enumerate(events):
        more = {"onset": event} if onset else {}
        table.add_row(start_time=event - 1.0, stop_time=event + 1.5, side="LR"[trial % 2], **more)
    if name == "trials":
        nwb.trials = table
    else:
        nwb.add_time_intervals(table)


def add_behavior(nwb):
    """A wheel at 20 Hz that turns 3 units a second, running in cm, licks, a stream of codes."""
    times = np.arange(0.0, 100.0, 0.05)
    module = nwb.create_processing_module(name="behavior", description="planted")
    wheel = SpatialSeries(
        name="wheel_position", data=3 * times, rate=20.0, reference_frame="", unit="rad"
    )
    module.add(Position(spatial_series=[wheel]))
    running = TimeSeries(name="running", data=times, timestamps=times, unit="m", conversion=100.0)
    module.add(BehavioralTimeSeries(time_series=[running]))
    licks = TimeSeries(name="licks", data=np.ones(30), timestamps=EVENTS + 0.31, unit="n/a")
    module.add(BehavioralEvents(time_series=[licks]))
    nwb.create_events_table(name="licks_table", description="planted")
    for time in EVENTS + 0.31:
        nwb.events["licks_table"].add_event(timestamp=time)
    both = np.sort(np.concatenate([EVENTS, EVENTS + 0.7]))
    nwb.add_acquisition(
        TimeSeries(name="ttl", data=np.tile([1, 4], 30), timestamps=both, unit="n/a")
    )
    nwb.add_acquisition(TimeSeries(name="voltage", data=np.zeros((10, 384)), rate=2500.0, unit="V"))


def add_heading(nwb, unit, turn):
    """The head at 100 Hz turns round once a second; north in whole seconds."""
    times = np.arange(10000) / 100
    heading = SpatialSeries(
        name="head", data=np.mod(times, 1) * turn, rate=100.0, reference_frame="north", unit=unit
    )
    module = nwb.create_processing_module(name="behavior", description="planted")
    module.add(CompassDirection(spatial_series=[heading]))


def add_plane(nwb, name, location):
    """Return an imaging plane of a microscope."""
    scope = nwb.devices.get("scope") or nwb.create_device(name="scope")
    channel = OpticalChannel(name="c", description="", emission_lambda=500.0)
    return nwb.create_imaging_plane(
        name=name, optical_channel=channel, description="", device=scope, excitation_lambda=600.0,
        indicator="GCaMP", location=location,
    )  # fmt: skip


def add_imaging(nwb, *names, n_cells=4, rate=10.0):
    """Cell c has 1000 kind + (c + 1) times the time; cell 2 is none."""
    plane = add_plane(nwb, "plane", "VISp")
    segmentation = ImageSegmentation()
    cells = segmentation.create_plane_segmentation(
        name="cells", imaging_plane=plane, description="cells"
    )
    cells.add_column(name="iscell", description="Suite2p's")
    for cell in range(n_cells):
        cells.add_roi(pixel_mask=[(cell, cell, 1.0)], iscell=[float(cell != 2), 0.9])
    module = nwb.create_processing_module(name="ophys", description="planted")
    module.add(segmentation)
    times = np.arange(1000) / rate
    for kind, (container, name) in enumerate(names):
        data = 1000 * kind + times[:, None] * (np.arange(n_cells) + 1)
        rois = cells.create_roi_table_region(description="", region=list(range(n_cells)))
        series = RoiResponseSeries(name=name, data=data, rois=rois, unit="", rate=rate)
        kinds = {"DfOverF": DfOverF, "Fluorescence": Fluorescence, "Neuropil": Fluorescence}
        module.add(kinds[container](name=container, roi_response_series=[series]))


@dataclass(frozen=True)
class Trace:
    """Noise from `base` to `base` + 1 of some cells of a table."""

    name: str
    table: str = "cells0"
    n_frames: int = 400
    start: float = 0.0
    base: float = 0.0
    rows: Sequence[int] | None = None
    rate: float = 10.0


def add_traces(nwb, traces, container="Fluorescence"):
    """Traces in one container, of tables of 5 cells in V1 or of their rows; cell 2 is none."""
    module = nwb.create_processing_module(name="ophys", description="planted")
    segmentation = ImageSegmentation()
    module.add(segmentation)
    responses = Fluorescence(name=container)
    module.add(responses)
    random = np.random.default_rng(0)
    n_cells = max([5, *(one.rows[-1] + 1 for one in traces if one.rows)])
    for name in dict.fromkeys(one.table for one in traces):
        cells = segmentation.create_plane_segmentation(
            name=name, imaging_plane=add_plane(nwb, f"plane_{name}", "V1"), description=""
        )
        cells.add_column(name="Accepted", description="")
        for cell in range(n_cells):
            cells.add_roi(pixel_mask=[(cell, cell, 1.0)], Accepted=int(cell != 2))
    for one in traces:
        rows = list(one.rows or range(n_cells))
        cells = segmentation[one.table].create_roi_table_region(description="", region=rows)
        data = one.base + random.random((one.n_frames, len(rows)))
        responses.add_roi_response_series(
            RoiResponseSeries(
                name=one.name,
                data=data,
                rois=cells,
                unit="",
                rate=one.rate,
                starting_time=one.start,
            )
        )


def write_file(nwb, path):
    with NWBHDF5IO(str(path), "w") as io:
        io.write(nwb)
    return path
