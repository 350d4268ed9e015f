"""A long session of four probes, written as NWB and as ALF: seconds and memory to cut 500 trials.

    python benchmarks/large_files.py [N_SPIKES] [N_UNITS] [N_TRIALS]

By default 100 million spikes of 2,000 units in two hours (about 2.5 GB in a temporary folder). Each
row is a process of its own; memory is its largest resident size, so it holds the imports too. All
ways must give the same counts: windows of 2.5 s in bins of 10 ms. The aim: a minute per 500 trials,
and at most twice the result plus 500 MB.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

DURATION = 7200.0
WINDOW, BIN_SIZE = (-0.5, 2.0), 0.01
PROBES = 4
AREAS = ("VISp", "CA1", "MOs", "LP")
BLOCK = 10.0  # seconds of ALF that are drawn at a time


def main() -> None:
    given = [int(float(one)) for one in sys.argv[1:]]
    n_spikes, n_units, n_trials = (*given, *(100_000_000, 2000, 500)[len(given) :])
    from machine import describe  # imports torch, which what is measured does not need

    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        started = time.perf_counter()
        write_nwb(root / "session.nwb", n_spikes, n_units, n_trials)
        write_alf(root / "session", n_spikes, n_units, n_trials)
        print(f"written in {time.perf_counter() - started:.0f} s", flush=True)
        n_bins = round((WINDOW[1] - WINDOW[0]) / BIN_SIZE)
        result = n_trials * n_bins * n_units / 1e6
        print(f"the result: {n_trials} x {n_bins} x {n_units} counts, {result:.0f} MB of bytes\n")
        print("| file | by | seconds | of them processor | peak MB | spikes |")
        print("|---|---|---|---|---|---|")
        for file, ways in (
            ("session.nwb", ("spikecast", "pynapple", "loop")),
            ("session", ("spikecast", "loop")),
        ):
            for way in ways:
                child = subprocess.run(
                    [sys.executable, __file__, "--cut", way, str(root / file), str(n_units)],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                kind = "NWB" if file.endswith("nwb") else "ALF"
                print(f"| {kind} | {way} | {child.stdout.strip()} |", flush=True)
        print(f"\nload of the machine: {os.getloadavg()[0]:.1f}")


def list_events(n_trials: int) -> np.ndarray:
    return np.linspace(10.0, DURATION - 10.0, n_trials)


# ------------------------------------------------------------------------------------ writing


def write_nwb(path: Path, n_spikes: int, n_units: int, n_trials: int) -> None:
    """Every unit fires as often, at random times; spikes are written unit by unit."""
    from datetime import UTC, datetime

    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.common import VectorData, VectorIndex
    from hdmf.data_utils import GenericDataChunkIterator
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.misc import Units

    per_unit = n_spikes // n_units

    class Draw(GenericDataChunkIterator):
        def _get_data(self, selection):  # type: ignore[no-untyped-def]
            unit = selection[0].start // per_unit
            return np.sort(np.random.default_rng(unit).uniform(0, DURATION, per_unit))

        def _get_maxshape(self):  # type: ignore[no-untyped-def]
            return (per_unit * n_units,)

        def _get_dtype(self):  # type: ignore[no-untyped-def]
            return np.dtype(float)

    drawn = Draw(buffer_shape=(per_unit,), chunk_shape=(per_unit,))
    times = VectorData(name="spike_times", description="seconds", data=H5DataIO(drawn))
    ends = per_unit * np.arange(1, n_units + 1)
    location = VectorData(
        name="location",
        description="area",
        data=[AREAS[unit % len(AREAS)] for unit in range(n_units)],
    )
    nwb = NWBFile(
        session_description="drawn",
        identifier="large",
        session_start_time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    nwb.units = Units(
        name="units",
        id=list(range(n_units)),
        columns=[VectorIndex(name="spike_times_index", data=ends, target=times), times, location],
    )
    for event in list_events(n_trials):
        nwb.add_trial(start_time=event, stop_time=event + 2.0)
    with NWBHDF5IO(str(path), "w") as io:
        io.write(nwb)


def write_alf(folder: Path, n_spikes: int, n_units: int, n_trials: int) -> None:
    """Four probes; spikes of all units of a probe in order of time, drawn ten seconds at a time."""
    (folder / "alf").mkdir(parents=True)
    events = list_events(n_trials)
    np.save(folder / "alf" / "trials.stimOn_times.npy", events)
    np.save(folder / "alf" / "trials.intervals.npy", np.column_stack([events - 1, events + 3]))
    n_blocks = round(DURATION / BLOCK)
    per_block = n_spikes // PROBES // n_blocks
    for probe in range(PROBES):
        rng = np.random.default_rng(probe)
        place = folder / "alf" / f"probe0{probe}"
        place.mkdir()
        shape = (n_blocks * per_block,)
        times = np.lib.format.open_memmap(place / "spikes.times.npy", "w+", float, shape)
        clusters = np.lib.format.open_memmap(place / "spikes.clusters.npy", "w+", np.int32, shape)
        for block in range(n_blocks):
            part = slice(block * per_block, (block + 1) * per_block)
            times[part] = np.sort(rng.uniform(block * BLOCK, (block + 1) * BLOCK, per_block))
            clusters[part] = rng.integers(0, n_units // PROBES, per_block)
        names = pd.DataFrame({"acronym": [AREAS[probe]] * (n_units // PROBES)})
        names.to_csv(place / "clusters.metrics.csv", index_label="cluster_id")


# ------------------------------------------------------------------------------------ cutting


def cut(way: str, path: Path, n_units: int) -> None:
    """Cut in this process; print seconds, processor seconds, memory and the number of spikes."""
    is_nwb = path.suffix == ".nwb"
    cut_trials = {
        ("spikecast", True): cut_by_spikecast,
        ("spikecast", False): cut_by_spikecast,
        ("pynapple", True): cut_by_pynapple,
        ("loop", True): cut_nwb_by_loop,
        ("loop", False): cut_alf_by_loop,
    }[way, is_nwb]
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    spikes = cut_trials(path, n_units)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds:.1f} | {used:.1f} | {read_peak():,.0f} | {spikes:,}")


def read_peak() -> float:
    """The largest resident size of this program in MB (getrusage also counts who started it)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


def cut_by_spikecast(path: Path, n_units: int) -> int:
    import spikecast as sc

    align = "start_time" if path.suffix == ".nwb" else "stimOn_times"
    recording = sc.load(path, align=align, window=WINDOW, bin_size=BIN_SIZE, units="all")
    assert recording.n_neurons == n_units
    return int(recording.activity.sum(dtype=np.int64))


def cut_by_pynapple(path: Path, n_units: int) -> int:
    import pynapple as nap

    opened = nap.load_file(str(path))
    events = np.asarray(opened["trials"].start)
    windows = nap.IntervalSet(events + WINDOW[0], events + WINDOW[1])
    counts = nap.build_tensor(opened["units"], windows, bin_size=BIN_SIZE)
    return int(np.nansum(counts))


def cut_nwb_by_loop(path: Path, n_units: int) -> int:
    import h5py

    with h5py.File(path) as file:
        ends = file["units/spike_times_index"][:]
        events = file["intervals/trials/start_time"][:]
        times = file["units/spike_times"]
        starts = np.concatenate([[0], ends[:-1]])
        return loop((times[a:b] for a, b in zip(starts, ends, strict=True)), events, n_units)


def cut_alf_by_loop(path: Path, n_units: int) -> int:
    events = np.load(path / "alf" / "trials.stimOn_times.npy")

    def read_units():  # type: ignore[no-untyped-def]
        for probe in range(PROBES):
            folder = path / "alf" / f"probe0{probe}"
            times = np.load(folder / "spikes.times.npy")
            clusters = np.load(folder / "spikes.clusters.npy")
            for unit in range(n_units // PROBES):
                yield times[clusters == unit]

    return loop(read_units(), events, n_units)


def loop(units, events: np.ndarray, n_units: int) -> int:  # type: ignore[no-untyped-def]
    """One histogram per unit and trial."""
    n_bins = round((WINDOW[1] - WINDOW[0]) / BIN_SIZE)
    edges = WINDOW[0] + BIN_SIZE * np.arange(n_bins + 1)
    counts = np.zeros((len(events), n_bins, n_units), dtype=np.uint8)
    for unit, times in enumerate(units):
        for trial, event in enumerate(events):
            near = slice(*np.searchsorted(times, (event + WINDOW[0], event + WINDOW[1])))
            counts[trial, :, unit] = np.histogram(times[near] - event, edges)[0]
    return int(counts.sum(dtype=np.int64))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cut"]:
        cut(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
