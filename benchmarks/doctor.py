"""What each check of the doctor finds, at which size of the fault, and where it is wrong.

    python benchmarks/doctor.py                  # 200 sessions in order, 20 with each fault
    python benchmarks/doctor.py --first 1000     # other seeds: those that thresholds were chosen on

Sessions are simulated before they are cut (``raw_session``), half of them with constant rates and
half with rates that drift, of 5 to 75 units in one to three areas on two probes, 5 to 17 minutes.
Each is examined as it is, and once more cut into trials around its stimulus. Faults are planted in
sessions of 40 units and 150 trials (10 minutes); only the check concerned runs, with its defaults.
One row per check and size goes to ``results/doctor.csv``.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from machine import RESULTS, describe

from spikecast.core.notices import Notice
from spikecast.data.cut import cut_session
from spikecast.data.cuts.taken import read_taken
from spikecast.data.doctor import examine
from spikecast.data.doctor.amplitudes import check_amplitudes
from spikecast.data.doctor.clock_drift import check_latency_drift, find_latency_drift
from spikecast.data.doctor.events import check_events
from spikecast.data.doctor.order import check_order_of_rows
from spikecast.data.doctor.presence import check_presence
from spikecast.data.doctor.refractory import check_refractory
from spikecast.data.doctor.spike_clock import check_spike_clock
from spikecast.data.doctor.spike_facts import count_spikes
from spikecast.data.doctor.twins import check_twins, find_twins
from spikecast.data.selection import Selection
from spikecast.data.session import RawSession
from spikecast.data.simulate import faults, raw_session

N_CLEAN, N_FAULTY = 200, 20
CUT = Selection(align="stim_on", window=(-0.5, 1.0), bin_size=0.01)
DRIFTS = {"constant": (0.0,), "drifting": (0.3, 0.6)}


class Fault(NamedTuple):
    """A fault, its sizes, how one is planted, the code that names it, and the check that looks."""

    name: str
    sizes: tuple
    plant: Callable[[RawSession, float, int], RawSession]
    code: str
    check: Callable[[RawSession], list[Notice]]
    by_unit: bool = False  # every fifth unit has it, and each must be found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--clean", type=int, default=N_CLEAN)
    parser.add_argument("--faulty", type=int, default=N_FAULTY)
    arguments = parser.parse_args()
    began = time.time()
    alarms = count_alarms(range(arguments.first, arguments.first + arguments.clean))
    found = measure_faults(range(arguments.first, arguments.first + arguments.faulty))
    RESULTS.joinpath("doctor.csv").write_text(found.to_csv(index=False, float_format="%.3g"))
    print(describe())
    print(alarms.to_string(index=False))
    print()
    print(tabulate(found).to_string(index=False))
    print(f"{time.time() - began:.0f} s")


# ------------------------------------------------------------------------------------ in order


def draw_session(seed: int) -> tuple[str, RawSession]:
    """Return a session in order, and whether its rates drift."""
    rng = np.random.default_rng([seed, 18])
    kind = "drifting" if seed % 2 else "constant"
    names = ["VISp", "MOs", "CA1"][: rng.integers(1, 4)]
    areas = {name: int(rng.integers(5, 26)) for name in names}
    raw = raw_session(
        areas,
        int(rng.integers(60, 251)),
        median_rate=float(rng.choice([1.0, 4.0, 8.0])),
        drift=float(rng.choice(DRIFTS[kind])),
        fast=float(rng.choice([0.0, 0.3, 0.6])),
        response=float(rng.choice([0.0, 0.5, 1.0])),
        seed=seed,
    )
    return kind, raw


def count_alarms(seeds: range) -> pd.DataFrame:
    """Return how many sessions in order each notice was given for."""
    alarms: dict[str, Counter] = {name: Counter() for name in DRIFTS}
    sizes: Counter = Counter()
    for seed in seeds:
        kind, raw = draw_session(seed)
        sizes[kind] += 1
        given = {notice.code for notice in examine(raw)}
        recording = cut_session(raw, CUT)
        given |= {f"{notice.code} (cut)" for notice in examine(recording)}
        alarms[kind].update(given)
    names = sorted(set().union(*alarms.values()))
    rows = [
        {"notice": name} | {f"{kind} (of {sizes[kind]})": alarms[kind][name] for kind in alarms}
        for name in names
    ]
    return pd.DataFrame(rows or [{"notice": "none"}])


# ------------------------------------------------------------------------------------ faults


def look_at_spikes(raw: RawSession) -> list[Notice]:
    facts = count_spikes(raw, np.arange(len(raw.units)))
    return [*check_spike_clock(facts), *check_refractory(raw, facts), *check_presence(raw, facts)]


def look_at_twins(raw: RawSession) -> list[Notice]:
    return check_twins(raw, find_twins(raw, count_spikes(raw, np.arange(len(raw.units)))))


def look_at_clock(raw: RawSession) -> list[Notice]:
    facts = count_spikes(raw, np.arange(len(raw.units)))
    return check_latency_drift(find_latency_drift(raw, facts))


def look_at_amplitudes(raw: RawSession) -> list[Notice]:
    return check_amplitudes(raw, np.arange(len(raw.units)))


def look_at_events(raw: RawSession) -> list[Notice]:
    return check_events(raw, *raw.duration)


def look_at_rows(raw: RawSession) -> list[Notice]:
    return check_order_of_rows(raw.tables["trials"])


def look_at_windows(raw: RawSession) -> list[Notice]:
    length = float(raw.tables["trials"].attrs["window"])
    cut = cut_session(raw, CUT.model_copy(update={"window": (-0.5, length - 0.5)}))
    return read_taken(cut.dataset)


def list_faults() -> list[Fault]:
    def trials(change: Callable) -> Callable:
        return lambda raw, size, seed: faults.change_trials(
            raw, lambda table: change(table, size, seed)
        )

    return [
        Fault("foreign spikes", (0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
              lambda raw, size, seed: faults.add_foreign_spikes(raw, choose(raw), size, seed),
              "contaminated", look_at_spikes, by_unit=True),
        Fault("silent for a share of the session", (0.05, 0.1, 0.15, 0.2, 0.4),
              lambda raw, size, seed: faults.lose_units(raw, choose(raw), size),
              "lost_units", look_at_spikes, by_unit=True),
        Fault("no spike of any unit, s", (1, 2, 3, 5, 20),
              lambda raw, size, seed: faults.empty_stretch(raw, 300.0, 300.0 + size),
              "gaps", look_at_spikes),
        Fault("smallest spikes missing", (0.02, 0.05, 0.1, 0.15, 0.2, 0.3),
              faults.miss_small_spikes,
              "amplitude_cutoff", look_at_amplitudes, by_unit=True),
        Fault("spikes that two units share", (0.1, 0.15, 0.2, 0.3, 0.6, 0.9), share,
              "units_twice", look_at_twins),
        Fault("events outside the recording", (1, 5, 50),
              lambda raw, size, seed: replace(raw, events={"licks": move_out(raw, int(size))}),
              "events_outside", look_at_events),
        Fault("rows after the end", (1, 3, 30), trials(append_rows), "table_longer",
              look_at_events),
        Fault("event times multiplied", (60, 1000, 30_000, 1_000_000),
              lambda raw, size, seed: replace(raw, events={"stim": multiply(raw, size)}),
              "not_seconds", look_at_events),
        Fault("spike times multiplied", (10, 100, 1000, 30_000),
              lambda raw, size, seed: faults.scale_spikes(raw, size),
              "spikes_not_seconds", look_at_spikes),
        Fault("spike times divided", (10, 100, 1000),
              lambda raw, size, seed: faults.scale_spikes(raw, 1 / size),
              "spikes_too_fast", look_at_spikes),
        Fault("rows exchanged with the next", (1, 3), trials(exchange_rows),
              "events_out_of_order", look_at_events),
        Fault("trials longer than the interval", (1, 5), trials(lengthen_rows),
              "trials_overlap", look_at_events),
        Fault("length of windows, s", (2.5, 3.2, 4.0), trials(set_window),
              "overlap", look_at_windows),
        Fault("clock of the events slow, ms", (10, 20, 30, 40, 60, 100, 200),
              lambda raw, size, seed: faults.drift_clock(raw, size / 1000),
              "clock_drift", look_at_clock),
        Fault("label in runs of a mean length", (2, 2.5, 3, 4, 6, 10), trials(add_runs),
              "labels_in_runs", look_at_rows),
        Fault("rows sorted by a measure, exchanged pairs", (0, 1), trials(add_sorted),
              "sorted_rows", look_at_rows),
    ]  # fmt: skip


def choose(raw: RawSession) -> list[int]:
    """Return every fifth unit."""
    return list(range(0, len(raw.units), 5))


def share(raw: RawSession, size: float, seed: int) -> RawSession:
    """Return a session whose first units of either area share spikes."""
    return faults.share_spikes(raw, 0, len(raw.units) // 2, size, seed=seed)


def move_out(raw: RawSession, n: int) -> np.ndarray:
    events = raw.tables["trials"]["stim_on"].to_numpy() + 0.1
    return np.concatenate([events, raw.duration[1] + 10.0 * np.arange(1, n + 1)])


def multiply(raw: RawSession, factor: float) -> np.ndarray:
    return np.round(raw.tables["trials"]["stim_on"].to_numpy() * factor)


def set_window(trials: pd.DataFrame, size: float, seed: int) -> pd.DataFrame:
    trials.attrs["window"] = size
    return trials


def append_rows(trials: pd.DataFrame, size: float, seed: int) -> pd.DataFrame:
    more = trials.tail(int(size)).copy()
    more[["start_time", "stim_on", "stop_time"]] += 700.0
    return pd.concat([trials, more], ignore_index=True)


def exchange_rows(trials: pd.DataFrame, size: float, seed: int) -> pd.DataFrame:
    order = np.arange(len(trials))
    for place in np.random.default_rng(seed).choice(len(trials) // 2, int(size), replace=False):
        order[[2 * place, 2 * place + 1]] = order[[2 * place + 1, 2 * place]]
    return trials.iloc[order].reset_index(drop=True)


def lengthen_rows(trials: pd.DataFrame, size: float, seed: int) -> pd.DataFrame:
    return trials.assign(stop_time=trials["stop_time"] + 4.0 * (trials.index < size))


def add_runs(trials: pd.DataFrame, size: float, seed: int) -> pd.DataFrame:
    return trials.assign(side=faults.draw_runs(len(trials), size, seed))


def add_sorted(trials: pd.DataFrame, size: float, seed: int) -> pd.DataFrame:
    times = np.sort(np.random.default_rng(seed).gamma(2.0, 0.2, len(trials)))
    for place in range(int(size)):
        times[[10 * place, 10 * place + 1]] = times[[10 * place + 1, 10 * place]]
    return trials.assign(reaction_time=times)


def measure_faults(seeds: range) -> pd.DataFrame:
    """Return one row per fault and size: how many sessions, or units, it was found in."""
    rows = []
    sessions = [raw_session({"VISp": 20, "MOs": 20}, 150, seed=seed) for seed in seeds]
    for fault in list_faults():
        for size in fault.sizes:
            outcomes = [one for seed, raw in zip(seeds, sessions)
                        for one in ask(fault, size, raw, seed)]  # fmt: skip
            rows += [{"fault": fault.name, "size": size, "notice": fault.code, "among": among,
                      "found": np.mean(some), "n": len(some)}
                     for among, some in group(outcomes)]  # fmt: skip
    return pd.DataFrame(rows)


def ask(fault: Fault, size: float, raw: RawSession, seed: int) -> Iterator[tuple[str, bool]]:
    """Yield whether the fault was found: in the session, or in each unit that has it."""
    notices = fault.check(fault.plant(raw, size, seed))
    named = [notice for notice in notices if notice.code == fault.code]
    if not fault.by_unit:
        yield "sessions", bool(named)
        return
    found = set(named[0].values["rows"]) if named else set()
    for row in choose(raw):
        rate = len(raw.spikes.read_unit(row)) / raw.duration[1]
        size_class = "above 4 Hz" if rate >= 4 else "of 1 to 4 Hz" if rate >= 1 else "below 1 Hz"
        yield f"units {size_class}", row in found


def group(outcomes: list[tuple[str, bool]]) -> list[tuple[str, list[bool]]]:
    names = sorted({among for among, _ in outcomes}, reverse=True)
    return [(name, [found for among, found in outcomes if among == name]) for name in names]


def tabulate(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row per fault: the share found at each size."""
    rows = []
    for (fault, among), some in found.groupby(["fault", "among"], sort=False):
        shares = ", ".join(f"{size:g}: {100 * share:.0f} %"
                           for size, share in some[["size", "found"]].to_numpy())  # fmt: skip
        rows.append({"fault": fault, "among": f"{some['n'].iloc[0]} {among}", "found": shares})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
