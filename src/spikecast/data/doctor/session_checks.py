"""All checks of a session as a lab has it, and what they measured."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice
from spikecast.data.doctor.amplitudes import check_amplitudes
from spikecast.data.doctor.clock_drift import LatencyDrift, check_latency_drift, find_latency_drift
from spikecast.data.doctor.events import check_events
from spikecast.data.doctor.order import check_order_of_rows
from spikecast.data.doctor.presence import check_presence
from spikecast.data.doctor.refractory import check_refractory
from spikecast.data.doctor.spike_clock import check_spike_clock
from spikecast.data.doctor.spike_facts import SpikeFacts, count_spikes
from spikecast.data.doctor.twins import check_twins, find_twins
from spikecast.data.session import RawSession


@dataclass(frozen=True)
class SessionFindings:
    """What the checks of a session found and measured.

    Attributes
    ----------
    notices : list of Notice
    facts : SpikeFacts, optional
        None where there are no spikes.
    twins : DataFrame
        Pairs of units that look like one neuron: ``first, second, share, z``.
    drift : LatencyDrift, optional
        Of the responses to the event that shows it best.
    """

    notices: list[Notice]
    facts: SpikeFacts | None = None
    twins: pd.DataFrame = field(default_factory=pd.DataFrame)
    drift: LatencyDrift | None = None


def check_session(raw: RawSession, units: np.ndarray | None = None) -> SessionFindings:
    """Return what is unusual in a session and matters for a score.

    Parameters
    ----------
    raw : RawSession
    units : array of int, optional
        Rows of the units to look at; by default all.
    """
    units = np.arange(len(raw.units)) if units is None else np.asarray(units)
    if raw.in_frames and raw.spikes is not None:
        return SessionFindings([])  # times are in samples until the rate is given
    facts = count_spikes(raw, units) if len(units) else None
    start, stop = (facts.start, facts.stop) if facts is not None else raw.duration
    notices = []
    clock = check_spike_clock(facts) if facts is not None else []
    seconds = not any(notice.severity == "severe" for notice in clock)
    notices += clock
    if stop > start and not raw.in_frames:
        notices += check_events(raw, start, stop)
    for table, rows in raw.tables.items():
        several = len(raw.tables) > 1
        notices += check_order_of_rows(rows.add_prefix(f"{table}.") if several else rows)
    notices += check_amplitudes(raw, units)
    if facts is None or not seconds:
        return SessionFindings(notices, facts)
    twins = find_twins(raw, facts)
    drift = find_latency_drift(raw, facts)
    notices += check_refractory(raw, facts)
    notices += check_presence(raw, facts)
    notices += check_twins(raw, twins)
    notices += check_latency_drift(drift)
    return SessionFindings(notices, facts, twins, drift)
