"""Leave out stretches of a session in which no unit fires, where that can be no chance."""

from dataclasses import replace
from typing import NoReturn

import numpy as np

from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.cuts.samples import Bins
from spikecast.data.cuts.trials import Trials
from spikecast.data.session import Spikes
from spikecast.data.silence import Silence, find_silence

ENDS_CUT = NoticeKind(
    "ends_cut",
    "serious",
    "no unit fires from {start:g} to {stop:g} s, where {expected:.0f} spikes are expected: nothing "
    "was recorded there, and the trial is cut to {first:g} to {last:g} s",
)
TRIALS_CUT = NoticeKind(
    "trials_cut",
    "serious",
    "{n} trials left out, of which {longest} in a row from {start:g} s on: no unit fires in them, "
    "where {expected:.0f} spikes are expected, so that nothing was recorded there",
)


def leave_out_silence(
    counts: np.ndarray, trials: Trials, bins: Bins, whole: bool, spikes: Spikes, n_units: int
) -> tuple[np.ndarray, Trials, Bins, list[Notice]]:
    """Return counts (trial, time, unit), trials and bins without silence.

    Of one long trial (`whole`) bins at either end are left out, and a pause in between is refused.
    Otherwise trials are left out; a pause within one, whose window was named, stays, and
    :func:`spikecast.examine` names it. Where only units that were not chosen fire, of `n_units` in
    all, there is no silence.
    """
    total = len(bins.events) * bins.n
    if not counts.any() and not _fires(Silence(0, total, 0.0), bins, spikes, n_units):
        raise NotEnoughDataError(
            f"no unit fires in any of {len(bins.events)} trials: are spikes and events in seconds "
            "on one clock?"
        )
    found = find_silence(counts, bins.size)
    found = [one for one in found if not _fires(one, bins, spikes, n_units)]
    if whole:
        return _cut_one(counts, trials, bins, found)
    first = np.arange(len(bins.events)) * bins.n
    silent = np.array([(one.start <= first) & (first + bins.n <= one.stop) for one in found])
    notices: list[Notice] = []
    if not silent.any():
        return counts, trials, bins, notices
    kept = np.flatnonzero(~silent.any(axis=0))
    longest = int(silent.sum(axis=1).argmax())
    notices = [
        TRIALS_CUT(
            n=len(first) - len(kept),
            longest=int(silent[longest].sum()),
            start=float(bins.events[silent[longest].argmax()]),
            expected=found[longest].expected,
        )
    ]
    return counts[kept], trials.take(kept), replace(bins, events=bins.events[kept]), notices


def _fires(silence: Silence, bins: Bins, spikes: Spikes, n_units: int) -> bool:
    """Return whether any unit of the session fires in a stretch, or between trials in it."""
    places = [divmod(silence.start, bins.n), divmod(silence.stop - 1, bins.n)]
    first, last = (bins.events[trial] + bins.start + bins.size * bin for trial, bin in places)
    window = (float(first), float(last) + bins.size)
    everyone = np.arange(n_units)
    return bool(spikes.count(everyone, np.zeros(1), window, window[1] - window[0]).any())


def _cut_one(
    counts: np.ndarray, trials: Trials, bins: Bins, found: list[Silence]
) -> tuple[np.ndarray, Trials, Bins, list[Notice]]:
    """Return one long trial without the bins at its ends in which no unit fires."""
    ends = [one for one in found if one.start == 0 or one.stop == bins.n]
    if len(ends) < len(found):
        _refuse_pause(next(one for one in found if one not in ends), bins)
    kept = (
        max((one.stop for one in ends if one.start == 0), default=0),
        min((one.start for one in ends if one.stop == bins.n), default=bins.n),
    )
    first, last = (bins.start + place * bins.size for place in kept)
    notices: list[Notice] = [
        ENDS_CUT(
            start=bins.start + one.start * bins.size,
            stop=bins.start + one.stop * bins.size,
            expected=one.expected,
            first=first,
            last=last,
        )
        for one in ends
    ]
    n = kept[1] - kept[0]
    if n < 2:
        raise NotEnoughDataError("; ".join(map(str, notices)))
    return counts[:, kept[0] : kept[1]], trials, replace(bins, start=first, n=n), notices


def _refuse_pause(pause: Silence, bins: Bins) -> NoReturn:
    start, stop = (bins.start + place * bins.size for place in (pause.start, pause.stop))
    raise InputError(
        f"no unit fires from {start:g} to {stop:g} s, where {pause.expected:.0f} spikes are "
        "expected: did recording pause? Areas that fall silent together predict each other. Name "
        f"the part to take as the window, for example {bins.start:g} to {start:g} s"
    )
