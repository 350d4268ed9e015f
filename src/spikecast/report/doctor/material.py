"""What the page of the doctor shows, collected from a session or from a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spikecast.core.notices import SEVERITIES, Notice
from spikecast.data.coincidence import can_find_coincidences, find_coincident_pairs
from spikecast.data.doctor import check_session, examine
from spikecast.data.doctor.amplitudes import measure_missing
from spikecast.data.doctor.clock_drift import LatencyDrift, find_latency_drift_of_recording
from spikecast.data.doctor.events import find_clocks
from spikecast.data.doctor.names import find_areas
from spikecast.data.doctor.presence import find_absence, sum_by_stretch
from spikecast.data.doctor.refractory import estimate_contamination, find_contaminated, find_judged
from spikecast.data.doctor.spike_clock import TOO_FAST, TOO_SLOW
from spikecast.data.doctor.spike_facts import REFRACTORY, SpikeFacts
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession
from spikecast.report.doctor.correlograms import LAGS, correlate
from spikecast.report.shared.formatting import format_count, format_duration

NO_AREA = "no area"
LONG = 600.0  # seconds; shorter sessions are drawn in seconds
EXCERPT = 5.0  # seconds of all units
EXCERPT_BIN = 0.002
MOST_AUTOCORRELOGRAMS = 8
MOST_QUIET = 4  # where none is suspicious
MOST_PAIRS = 6
FEWEST_SPIKES = 100  # of a unit whose intervals are drawn


@dataclass(frozen=True)
class Excerpt:
    """A short piece of the activity of all units: (time, unit), and events in it."""

    activity: np.ndarray
    time: np.ndarray
    counts: bool
    title: str
    label: str
    events: np.ndarray


@dataclass(frozen=True)
class Presence:
    """Spikes of each unit in equal stretches (stretch, unit), where they lie, and who is absent."""

    counts: np.ndarray
    edges: np.ndarray
    label: str
    per_spike: float  # turns a count into Hz
    absent: np.ndarray


@dataclass(frozen=True)
class Intervals:
    """Refractory violations of each unit, and autocorrelograms of the units that have most."""

    rate: np.ndarray
    contamination: np.ndarray
    found: np.ndarray
    n_judged: int  # units with enough spikes to say anything
    shown: list[tuple[str, np.ndarray, bool]]  # title, pairs per lag, whether it was found


@dataclass(frozen=True)
class Twins:
    """Pairs of units that look like one neuron twice, with the counts of their lags."""

    pairs: pd.DataFrame  # first, second (places), share, z
    shown: list[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class Material:
    """What the page shows; parts are None where the data cannot tell."""

    name: str
    source: str
    line: str
    unit: str  # what one of the population is called
    notices: list[Notice]
    area: np.ndarray
    names: list[str]
    activity: np.ndarray  # mean of each unit: Hz, or of continuous values
    excerpt: Excerpt | None = None
    presence: Presence | None = None
    intervals: Intervals | None = None
    twins: Twins | None = None
    drift: LatencyDrift | None = None
    has_table: bool = False
    has_amplitudes: bool = False
    clocks: Mapping[str, np.ndarray] = field(default_factory=dict)
    duration: tuple[float, float] = (0.0, 0.0)

    @property
    def rows(self) -> str:
        """What the rows of a picture are."""
        return f"{self.unit}s" + (", by area" if set(self.area) != {NO_AREA} else "")

    @property
    def warnings(self) -> list[Notice]:
        """Notices, the worst first."""
        return sorted(self.notices, key=lambda one: SEVERITIES.index(one.severity))


# ---------------------------------------------------------------- a session


def collect_session(raw: RawSession, units: np.ndarray, left_out: str = "") -> Material:
    """Return what the page shows of some units of a session."""
    findings = check_session(raw, units)
    facts = findings.facts
    area = find_areas(raw)[units]
    area[area == ""] = NO_AREA
    wrong_clock = (TOO_SLOW.code, TOO_FAST.code)
    spikes_are_seconds = not any(one.code in wrong_clock for one in findings.notices)
    seconds = raw.duration[1] - raw.duration[0] if facts is None else facts.seconds
    parts = [
        f"{len(units)} of {len(raw.units)} units{left_out}",
        format_duration(seconds) if not raw.in_frames else f"{seconds:.0f} frames",
        *(
            f"table {name}: {format_count(len(table), 'trial')}"
            for name, table in raw.tables.items()
        ),
        *(f"{name}: {format_count(len(times), 'event')}" for name, times in raw.events.items()),
    ]
    material = {
        "name": raw.session or "unnamed session",
        "source": raw.source,
        "line": ", ".join(parts),
        "unit": "unit" if raw.traces is None else "cell",
        "notices": [*raw.notices, *findings.notices],
        "area": area,
        "names": [str(one) for one in raw.units.index[units]],
        "has_table": bool(raw.tables),
        "has_amplitudes": bool(np.isfinite(measure_missing(raw, units)[0]).any()),
        "clocks": {} if raw.in_frames else find_clocks(raw),
        "duration": raw.duration if facts is None else (facts.start, facts.stop),
    }
    if facts is None:
        return Material(**material, activity=_average_traces(raw, units))
    return Material(
        **material,
        activity=facts.rate,
        excerpt=_cut_excerpt(raw, facts) if spikes_are_seconds else None,
        presence=_collect_presence(facts),
        intervals=_collect_intervals(raw, facts) if spikes_are_seconds else None,
        twins=_collect_twins(raw, facts, findings.twins) if spikes_are_seconds else None,
        drift=findings.drift,
    )


def _average_traces(raw: RawSession, units: np.ndarray) -> np.ndarray:
    if raw.traces is None or raw.traces.values is None:
        return np.full(len(units), np.nan)
    return np.array([np.mean(raw.traces.values[:, unit]) for unit in units])


def _cut_excerpt(raw: RawSession, facts: SpikeFacts) -> Excerpt | None:
    """Return five seconds about the middle of the session, from a second before an event."""
    span = min(EXCERPT, facts.seconds)
    start = (facts.start + facts.stop - span) / 2
    name, events = "", np.array([])
    for clock, times in find_clocks(raw).items():
        near = times[(times > start) & (times < start + span)]
        if near.size:
            start = max(float(near.min()) - 1.0, facts.start)
            name, events = clock, times[(times >= start) & (times <= start + span)]
            break
    assert raw.spikes is not None
    counts = raw.spikes.count(facts.units, np.array([start]), (0.0, span), EXCERPT_BIN)[0]
    time = start + EXCERPT_BIN * (np.arange(len(counts)) + 0.5)
    title = f"{start:.0f} to {start + span:.0f} s" + (f"; dotted: {name}" if events.size else "")
    return Excerpt(counts, time, True, title, "seconds of the session", events)


def _collect_presence(facts: SpikeFacts) -> Presence:
    fired = facts.counts.sum(axis=1) > 0
    at_start, at_end = find_absence(facts.counts[fired])
    is_long = facts.seconds > LONG
    return Presence(
        facts.counts,
        facts.stretches / (60 if is_long else 1),
        f"{'minutes' if is_long else 'seconds'} of the session",
        len(facts.counts) / facts.seconds,
        (at_start > 0) | (at_end > 0),
    )


def _collect_intervals(raw: RawSession, facts: SpikeFacts) -> Intervals:
    contamination = estimate_contamination(facts.n_violations, facts.chance_pairs)
    found = find_contaminated(facts)
    ranked = np.argsort(-contamination, kind="stable")
    if found.any():
        ranked = ranked[found[ranked]][:MOST_AUTOCORRELOGRAMS]
    else:
        ranked = ranked[facts.n_spikes[ranked] >= FEWEST_SPIKES][:MOST_QUIET]
    shown = []
    assert raw.spikes is not None
    for place in ranked:
        row = int(facts.units[place])
        times = raw.spikes.read_unit(row)
        title = f"{raw.units.index[row]}: {contamination[place]:.0%}"
        shown.append((title, correlate(times, times), bool(found[place])))
    n_judged = int(find_judged(facts).sum())
    return Intervals(facts.rate, contamination, found, n_judged, shown)


def _collect_twins(raw: RawSession, facts: SpikeFacts, pairs: pd.DataFrame) -> Twins:
    assert raw.spikes is not None
    shown = []
    for first, second, share in pairs[["first", "second", "share"]].to_numpy()[:MOST_PAIRS]:
        one, other = (raw.spikes.read_unit(int(row)) for row in (first, second))
        names = " and ".join(str(raw.units.index[int(row)]) for row in (first, second))
        shown.append((f"{names}: {share:.0%}", correlate(one, other, same=False)))
    places = pd.Series(np.arange(len(facts.units)), index=facts.units)
    placed = pairs.assign(**{side: pairs[side].map(places) for side in ("first", "second")})
    return Twins(placed, shown)


# ---------------------------------------------------------------- a recording


def collect_recording(recording: Recording) -> Material:
    """Return what the page shows of a recording that is cut into trials."""
    counts = recording.kind == "counts"
    mean = recording.activity.mean(axis=(0, 1), dtype=float)
    trial = recording.n_trials // 2
    align_to = str(recording.dataset.attrs["align_to"])
    excerpt = Excerpt(
        recording.activity[trial],
        recording.time,
        counts,
        f"Trial {trial}",
        f"seconds from {align_to}",
        np.array([0.0]) if recording.time[0] < 0 < recording.time[-1] else np.array([]),
    )
    start, stop = recording.time[[0, -1]] + recording.bin_size * np.array([-0.5, 0.5])
    line = (
        f"{recording.n_neurons} neurons, {recording.n_trials} trials of {recording.n_bins} bins of "
        f"{1000 * recording.bin_size:g} ms ({start:g} to {stop:g} s from {align_to})"
    )
    several = recording.n_trials > 1
    return Material(
        name=recording.session or "unnamed recording",
        source="recording, cut into trials",
        line=line,
        unit="neuron",
        notices=examine(recording),
        area=recording.area.astype(object),
        names=[str(number) for number in range(recording.n_neurons)],
        activity=mean / recording.bin_size if counts else mean,
        excerpt=excerpt,
        presence=_collect_presence_of_trials(recording) if counts and several else None,
        twins=_collect_twins_of_recording(recording),
        drift=find_latency_drift_of_recording(recording) if several else None,
    )


def _collect_presence_of_trials(recording: Recording) -> Presence:
    counts = sum_by_stretch(recording)
    at_start, at_end = find_absence(counts)
    n_trials = recording.n_trials // len(counts)
    return Presence(
        counts,
        n_trials * np.arange(len(counts) + 1.0),
        "trial",
        1 / (n_trials * recording.n_bins * recording.bin_size),
        (at_start > 0) | (at_end > 0),
    )


def _collect_twins_of_recording(recording: Recording) -> Twins | None:
    if not can_find_coincidences(recording):
        return None
    everyone = np.arange(recording.n_neurons)
    pairs = find_coincident_pairs(recording, everyone, everyone)
    pairs = pairs[pairs["first"] < pairs["second"]].sort_values("share", ascending=False)
    return Twins(pairs.reset_index(drop=True), [])


__all__ = ["LAGS", "REFRACTORY", "Material", "collect_recording", "collect_session"]
