"""All checks of a recording that was cut into trials."""

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.doctor.clock_drift import check_latency_drift, find_latency_drift_of_recording
from spikecast.data.doctor.order import (
    SORTED_BY_ACTIVITY,
    check_order_of_activity,
    check_order_of_rows,
)
from spikecast.data.doctor.presence import check_presence_over_trials
from spikecast.data.quality import SORTED_TRIALS, check_recording
from spikecast.data.recording import Recording

LEAST_BIN = 1.0  # seconds; milliseconds that were taken for seconds make bins of 1 or more
SORTED = (SORTED_TRIALS.code, SORTED_BY_ACTIVITY.code)
MOST_RATE = 0.05  # Hz, in the median of the neurons that fire

BINS_NOT_SECONDS = NoticeKind(
    "bins_not_seconds",
    "severe",
    "bins are {bin_size:g} s wide and neurons fire {rate:.2g} Hz in the median: the time axis "
    "looks like milliseconds, not seconds. Divide it by 1000",
)


def check_whole_recording(recording: Recording) -> list[Notice]:
    """Return notices of what is unusual in a recording and matters for a score."""
    notices = check_recording(recording) + _check_bins(recording)
    if recording.n_trials == 1:
        return notices
    notices += check_order_of_activity(recording)
    sorted_already = any(notice.code in SORTED for notice in notices)
    if recording.ordered and not sorted_already:  # what follows is about time in the session
        notices += check_order_of_rows(recording.trials)
        notices += check_presence_over_trials(recording)
        notices += check_latency_drift(find_latency_drift_of_recording(recording))
    return notices


def _check_bins(recording: Recording) -> list[Notice]:
    if recording.kind != "counts" or recording.bin_size < LEAST_BIN:
        return []
    rate = recording.firing_rate
    if not np.any(rate > 0) or (median := float(np.median(rate[rate > 0]))) >= MOST_RATE:
        return []
    return [BINS_NOT_SECONDS(bin_size=recording.bin_size, rate=median)]
