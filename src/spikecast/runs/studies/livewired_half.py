"""When a curve of accuracy is half-way up: one rule for the curves of study A, to compare them."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.runs.studies.study import Measure

N_RESAMPLES = 500
EARLY = 0.2  # the share of a trial, at its beginning, whose median is the foot of a curve
NAME = "half-way up"

HALF_WAY = NoticeKind(
    "half_way",
    "serious",
    "Half-way up, by one rule for all, is {described} as described; soundly {sound}: {what}. An "
    "onset, above in this row, is the start of the first stretch above chance: another rule, which "
    "is met earlier, so that no onset is compared with a half-way point.",
)
ONSET_PLANTED = NoticeKind(
    "onset_planted",
    "minor",
    "Planted: the choice reaches {target} {planted:.0f} ms after the stimulus. Causal counts date "
    "it at {found:.0f} ms ({low:.0f} to {high}): {what}.",
)


def find_half_way(curves: np.ndarray) -> np.ndarray:
    """Return the first bin at which each curve is half-way between its foot and its top.

    Parameters
    ----------
    curves : array, (curve, time)
        The foot is the median of the first fifth of the bins, the top the largest value.

    Returns
    -------
    array of int, (curve,)

    Examples
    --------
    >>> find_half_way(np.array([[0.3, 0.3, 0.3, 0.5, 0.7, 0.9, 0.9]]))
    array([4])
    """
    n_early = max(int(np.ceil(EARLY * (curves.shape[1] - 1))), 1)
    half = (curves.max(axis=1) + np.median(curves[:, :n_early], axis=1)) / 2
    return np.argmax(curves >= half[:, np.newaxis], axis=1)


def resample_half_way(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the half-way bins of curves of resampled trials, (resample,).

    Parameters
    ----------
    right : array of bool, (trial, time)
        Whether each trial was decoded rightly in each bin.
    rng : Generator
    """
    n = len(right)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES) / n
    return find_half_way(drawn @ right.astype(float))


def measure_half_way(
    what: str, curve: np.ndarray, time: np.ndarray, resampled: np.ndarray | None = None
) -> Measure:
    """Return when a curve is half-way up, with its interval where half-way bins are resampled.

    Parameters
    ----------
    what : str
        Whose curve it is; "" where there is one only.
    curve : array, (time,)
    time : array, (time,)
        Seconds after the stimulus.
    resampled : array of int, optional, (resample,)
        As :func:`resample_half_way` returns them.
    """
    name = f"{NAME}, {what}" if what else NAME
    value = float(time[find_half_way(np.asarray(curve)[np.newaxis])[0]])
    if resampled is None:
        return Measure(name, value, "onset")
    low, high = np.quantile(time[resampled], [0.025, 0.975], method="inverted_cdf")
    return Measure(name, value, "onset", float(low), float(high))


def compare_half_ways(described: Measure, sound: Sequence[Measure]) -> list[Notice]:
    """Return whether the curve as described rises before those that know no later bin.

    One that has no interval is compared by its value with the interval of the other.
    """
    if not sound or described.value is None or described.high is None:
        return []
    later = [one for one in sound if (one.number if one.low is None else one.low) > described.high]
    what = "as described it is not earlier, as far as the intervals tell, so that latents know the "
    what += "end of a trial did not show here"
    if later:
        names = " and than ".join(_name(one) for one in later)
        what = f"as described it is earlier than {names}, as it can be where latents know the end"
    return [
        HALF_WAY(
            described=_write(described),
            sound=[f"{_write(one)} by {_name(one)}" for one in sound],
            what=what,
        )
    ]


def compare_with_planted(found: Measure, target: str, planted: float | None) -> list[Notice]:
    """Return whether an onset is where it was planted; nothing where that is not known.

    `planted` are seconds after the stimulus.
    """
    if planted is None or found.value is None or found.low is None:
        return []
    high = np.inf if found.high is None else found.high
    what = "the interval holds it"
    if found.low > planted:
        what = (
            f"{1000 * (found.number - planted):.0f} ms late, as an onset is an upper bound: what "
        )
        what += "begins weakly is found once it is strong enough"
    elif high < planted:
        what = f"{1000 * (planted - found.number):.0f} ms too early"
    values = {"planted": 1000 * planted, "found": 1000 * found.number, "low": 1000 * found.low}
    high_words = f"{1000 * high:.0f} ms" if np.isfinite(high) else "the end"
    return [ONSET_PLANTED(target=target, high=high_words, what=what, **values)]


def _name(one: Measure) -> str:
    return one.name.removeprefix(f"{NAME}, ")


def _write(one: Measure) -> str:
    """Return the value in ms, with its interval where there is one."""
    text = f"{1000 * one.number:.0f} ms"
    if one.low is None or one.high is None:
        return text
    return f"{text} ({1000 * one.low:.0f} to {1000 * one.high:.0f})"
