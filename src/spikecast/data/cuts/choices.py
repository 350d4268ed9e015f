"""What can be chosen of a session: its tables and events, its units, its behaviour."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd

from spikecast.core.errors import NotCutError
from spikecast.data.cuts.behavior import LARGEST
from spikecast.data.cuts.trials import NONE, find_event_columns
from spikecast.data.cuts.units import count_labels
from spikecast.data.session import RawSession, Samples

FIRST_EVENTS = ("stim", "onset", "go", "start")
"""Parts of the name of an event that is proposed before others."""
WINDOW, BIN_SIZE = (-0.5, 1.0), 0.01
"""What is proposed, in seconds."""
RATE_UNKNOWN = "HZ"
MOST_NAMES = 12  # in a line
MOST_LABELS, FEWEST_TRIALS = 10, 8  # distinct values of a column to decode; trials of the second


@dataclass(frozen=True)
class Choices:
    """What a session offers, for a listing and for the line to type next.

    Attributes
    ----------
    events : dict
        Trial table -> (number of trials, columns that may be events, other columns).
    lists : dict
        Bare list of events -> number of them.
    areas, qualities : dict
        Column of the units -> label -> number of units.
    behavior : dict
        Name -> how it is sampled.
    align, table, trials : str
        A proposal: the event ("none" where there is none), its table ("" for a bare list), and the
        same table where it must be named.
    label : str
        A column of that table to decode; "" where none has few values.
    window : (float, float), optional
        A proposal, in seconds.
    bin_size : float, optional
        A proposal, in seconds; None for fluorescence, whose bins are its frames.
    """

    events: dict[str, tuple[int, list[str], list[str]]]
    lists: dict[str, int]
    areas: dict[str, dict[str, int]]
    qualities: dict[str, dict[str, int]]
    behavior: dict[str, str]
    align: str
    table: str
    trials: str
    label: str
    window: tuple[float, float] | None
    bin_size: float | None


def list_choices(raw: RawSession) -> Choices:
    """Return what can be chosen of a session."""
    events = {}
    for name, trials in raw.tables.items():
        columns = find_event_columns(trials, raw.duration)
        others = [one for one in map(str, trials.columns) if one not in columns]
        events[name] = (len(trials), columns, others)
    candidates = [(table, one) for table, (_, columns, _) in events.items() for one in columns]
    candidates += [("", name) for name in raw.events]
    ranked = sorted(candidates, key=lambda pair: _rank(pair[1]))
    table, align = ranked[0] if ranked else ("", NONE)
    holders = [name for name, trials in raw.tables.items() if align in map(str, trials.columns)]
    return Choices(
        events=events,
        lists={name: len(times) for name, times in raw.events.items()},
        areas={name: count_labels(raw.units[name]) for name in raw.area_columns},
        qualities={name: count_labels(raw.units[name]) for name in raw.quality_columns},
        behavior={name: _describe_samples(one) for name, one in raw.behavior.items()},
        align=align,
        table=table,
        trials=table if len(holders) > 1 else "",
        label=_find_label(raw.tables[table]) if table else "",
        window=((0.0, WINDOW[1]) if raw.observed is not None else WINDOW) if ranked else None,
        bin_size=None if raw.traces is not None else BIN_SIZE,
    )


def _find_label(trials: pd.DataFrame) -> str:
    """Return the first column whose values come again and again, or ""."""
    for name in trials:
        values = trials[name]
        if isinstance(values, pd.DataFrame):
            continue
        sizes = values.astype(str).value_counts()
        if 2 <= len(sizes) <= MOST_LABELS and sizes.iloc[1] >= FEWEST_TRIALS:
            return str(name)
    return ""


def _rank(name: str) -> int:
    """Return the place of an event's name among those that are proposed first."""
    folded = name.lower()
    return next(
        (place for place, part in enumerate(FIRST_EVENTS) if part in folded), len(FIRST_EVENTS)
    )


def _describe_samples(samples: Samples) -> str:
    """Return how many samples there are, how far apart, and over which time."""
    times = np.asarray(samples.times, dtype=float).ravel()
    times = times[np.abs(times) <= LARGEST]
    if not len(times):
        return "no samples"
    if samples.values is None:
        return f"{len(times)} times"
    steps = np.diff(times)
    every = f" every {np.median(steps):.3g} s" if len(steps) else ""
    channels = np.shape(samples.values)[1] if np.ndim(samples.values) == 2 else 1
    wide = f" x {channels} channels" if channels > 1 else ""
    return f"{len(times)} samples{wide}{every}, {times[0]:.4g} to {times[-1]:.4g} s"


def join_names(names: list[str]) -> str:
    """Return names in a line, the first dozen of them."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def propose_cut(found: Choices, in_frames: bool = False) -> dict[str, object]:
    """Return settings that cut a session; the rate of frames must be given where none is known."""
    proposal: dict[str, object] = {"align": found.align}
    if found.trials:
        proposal["trials"] = found.trials
    if found.window:
        proposal["window"] = found.window
    if found.bin_size:
        proposal["bin_size"] = found.bin_size
    if in_frames:
        proposal["frame_rate"] = RATE_UNKNOWN
    return proposal


def raise_not_cut(raw: RawSession) -> NoReturn:
    """Raise the error for a session that was given without an event."""
    found = list_choices(raw)
    parts = [
        f"table '{table}' ({n} trials): {join_names(columns)}"
        for table, (n, columns, _) in found.events.items()
        if columns
    ]
    if found.lists:
        parts.append("events: " + join_names([f"{name} ({n})" for name, n in found.lists.items()]))
    parts.append(f"'{NONE}': one long trial")
    raise NotCutError(
        f"the {raw.source} is not cut into trials yet; choose an event, a window and a width of "
        f"bins. It offers {'; '.join(parts)}",
        propose_cut(found, raw.in_frames),
    )
