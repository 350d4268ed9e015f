"""Leave out what lies before the first spike of a session, where that can be no chance."""

from dataclasses import replace

import numpy as np

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.cuts.samples import Bins
from spikecast.data.cuts.trials import Trials
from spikecast.data.silence import find_silence

START_CUT = NoticeKind(
    "start_cut",
    "serious",
    "no unit fires from {start:g} to {stop:g} s, where {expected:.0f} spikes are expected: nothing "
    "was recorded there, and the trial is cut to {first:g} to {last:g} s",
)
TRIALS_CUT = NoticeKind(
    "trials_cut",
    "serious",
    "{n} trials in a row at the {where} left out: no unit fires in them, where {expected:.0f} "
    "spikes are expected, so that nothing was recorded there",
)


def leave_out_silence(
    counts: np.ndarray, trials: Trials, bins: Bins, whole: bool
) -> tuple[np.ndarray, Trials, Bins, list[Notice]]:
    """Return counts (trial, time, unit), trials and bins without silence at either end.

    Of one long trial (`whole`) bins are left out, of others trials. Silence in between stays;
    :func:`spikecast.examine` names it.
    """
    total = len(bins.events) * bins.n
    ends = [one for one in find_silence(counts, bins.size) if one.start == 0 or one.stop == total]
    notices = []
    first, last = 0, total
    for one in ends:
        first, last = (one.stop, last) if one.start == 0 else (first, one.start)
    if whole:
        start = bins.start + first * bins.size
        stop = bins.start + last * bins.size
        for one in ends:
            notices.append(
                START_CUT(
                    start=bins.start + one.start * bins.size,
                    stop=bins.start + one.stop * bins.size,
                    expected=one.expected,
                    first=start,
                    last=stop,
                )
            )
        if last - first < 2:
            raise NotEnoughDataError("; ".join(map(str, notices)))
        return counts[:, first:last], trials, replace(bins, start=start, n=last - first), notices
    kept = slice(first // bins.n, -(-last // bins.n))
    n_left = {"start": kept.start, "end": len(bins.events) - kept.stop}
    for one in ends:
        where = "start" if one.start == 0 else "end"
        if n_left[where]:
            notices.append(TRIALS_CUT(n=n_left[where], where=where, expected=one.expected))
    rows = np.arange(len(bins.events))[kept]
    return counts[kept], trials.take(rows), replace(bins, events=bins.events[kept]), notices
