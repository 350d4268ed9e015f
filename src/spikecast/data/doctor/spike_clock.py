"""Spike times in another unit than seconds, as the intervals of real neurons show."""

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.doctor.spike_facts import SpikeFacts

FEWEST_SPIKES = 1000  # of all units together
LEAST_SHORT = 0.001  # of the intervals; real neurons at .1 Hz have a hundredth within .1 s
MOST_RATE = 0.5  # Hz, in the median; above, spikes without short intervals are only regular
LEAST_FAST_RATE = 300.0  # Hz, in the median: no population fires so

TOO_SLOW = NoticeKind(
    "spikes_not_seconds",
    "severe",
    "spike times look like milliseconds or samples, not seconds: of {n} spikes {short:.2%} follow "
    "the one before within {limit:g} s, the units fire {rate:.2g} Hz in the median, and the "
    "session lasts {hours:.0f} hours. Divide the times, or give the sampling rate",
)
TOO_FAST = NoticeKind(
    "spikes_too_fast",
    "severe",
    "the units fire {rate:.0f} Hz in the median, and the session lasts {seconds:.3g} s: no "
    "population fires so. Spike times were divided once too often, or the sampling rate is wrong",
)
SPIKES_OUTSIDE = NoticeKind(
    "spikes_outside",
    "serious",
    "{n} of {n_spikes} spikes lie outside the session ({start:.0f} to {stop:.0f} s)",
)


def check_spike_clock(facts: SpikeFacts) -> list[Notice]:
    """Return a notice where spike times cannot be in seconds, and of spikes outside."""
    n_spikes = int(facts.n_spikes.sum())
    firing = facts.n_spikes >= 10
    if n_spikes < FEWEST_SPIKES or not firing.any():
        return []
    rate = float(np.median(facts.rate[firing]))
    short = float(facts.n_short.sum() / n_spikes)
    if rate > LEAST_FAST_RATE:
        return [TOO_FAST(rate=rate, seconds=facts.seconds)]
    if short < LEAST_SHORT and rate < MOST_RATE:
        hours = facts.seconds / 3600
        return [TOO_SLOW(n=n_spikes, short=short, limit=0.1, rate=rate, hours=hours)]
    if facts.n_outside:
        ends = {"start": facts.start, "stop": facts.stop}
        return [SPIKES_OUTSIDE(n=facts.n_outside, n_spikes=n_spikes, **ends)]
    return []
