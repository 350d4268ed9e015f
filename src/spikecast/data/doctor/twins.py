"""Units of a session that are one neuron twice, within a probe or on two."""

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.coincidence import COLUMNS, MIN_SHARE, MIN_SPIKES, find_coincident_pairs
from spikecast.data.doctor.names import MOST_NAMED, find_areas, name_unit
from spikecast.data.doctor.spike_facts import SpikeFacts
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession

BIN_SIZE = 0.001  # seconds: sharper than what neurons share
STRETCH = 2.0  # seconds
MOST_NUMBERS = 2**26  # counts held at once
MOST_SECONDS = 300.0  # of the session that are compared

TWICE = NoticeKind(
    "units_twice",
    "serious",
    "{n_pairs} {pairs_word} of units look like one neuron twice (at least {share:.0%} of the "
    "spikes of one come within a millisecond of the other's), {n_between} of them in two areas or "
    "on two probes: {pairs}. Keep one unit of each: as source and target they predict each other",
)


def find_twins(raw: RawSession, facts: SpikeFacts) -> pd.DataFrame:
    """Return pairs of units that look like one neuron twice.

    Stretches of two seconds from the whole session, five minutes together or fewer where there are
    many units, are compared in bins of 1 ms.

    Returns
    -------
    DataFrame
        ``first, second`` (rows of the table of units), ``share`` of spikes, ``z``.
    """
    active = facts.units[facts.n_spikes >= MIN_SPIKES]
    if raw.spikes is None or active.size < 2 or facts.seconds < STRETCH:
        return pd.DataFrame(columns=COLUMNS)
    n_bins = round(STRETCH / BIN_SIZE)
    most = min(MOST_SECONDS / STRETCH, facts.seconds / STRETCH, MOST_NUMBERS / n_bins / active.size)
    n_stretches = max(int(most), 1)
    starts = np.linspace(facts.start, facts.stop - STRETCH, n_stretches)
    counts = raw.spikes.count(active, starts, (0.0, STRETCH), BIN_SIZE)
    recording = Recording.from_arrays(counts, BIN_SIZE * (np.arange(n_bins) + 0.5), "all")
    everyone = np.arange(active.size)
    pairs = find_coincident_pairs(recording, everyone, everyone)
    pairs = pairs[pairs["first"] < pairs["second"]].reset_index(drop=True)
    for side in ("first", "second"):
        pairs[side] = active[pairs[side].to_numpy(dtype=int)]
    return pairs.sort_values("share", ascending=False, ignore_index=True)


def check_twins(raw: RawSession, pairs: pd.DataFrame) -> list[Notice]:
    """Return a notice of pairs of units that :func:`find_twins` found."""
    if not len(pairs):
        return []
    sides = pairs[["first", "second"]].to_numpy(dtype=int)
    named = [f"{name_unit(raw, first)} and {name_unit(raw, second)}" for first, second in sides]
    if len(named) > MOST_NAMED:
        named = [*named[:MOST_NAMED], f"and {len(named) - MOST_NAMED} more pairs"]
    return [
        TWICE(
            n_pairs=len(pairs),
            pairs_word="pair" if len(pairs) == 1 else "pairs",
            share=MIN_SHARE,
            n_between=int(np.count_nonzero(are_apart(raw, sides))),
            pairs=named,
            rows=sides.tolist(),
        )
    ]


def are_apart(raw: RawSession, sides: np.ndarray) -> np.ndarray:
    """Return for pairs (pair, 2) whether their units are in two areas or on two probes."""
    apart = np.zeros(len(sides), dtype=bool)
    places = [find_areas(raw)]
    places += [raw.units[name].map(str).to_numpy() for name in ("probe",) if name in raw.units]
    for place in places:
        apart |= place[sides[:, 0]] != place[sides[:, 1]]
    return apart
