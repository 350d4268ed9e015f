"""When information appears: a linear decoder per bin, cluster correction, onset latency.

**The time of an onset.** Scores at bin t use a window that ends with bin t, and t is named by the
bin's centre. An onset is where the curve crosses the threshold on its way from the last bin below
(by its centre) to the first bin above. What is strong at once is dated right to half a bin. What
grows slowly, or is diluted by the older bins of a long window, is found late: an onset is an upper
bound, and a difference between areas is fair only as far as their signals grow alike and their
populations are of like size (``match_neurons``). A short window dates sharply, a long one finds
weak signals. A bin must be above chance for itself (``join``: p < 0.001) to begin an onset:
with a lenient threshold noise before the true onset is taken for its beginning.

**Its interval.** Trials are resampled within classes; each resample gives a new curve from the
held-out predictions (decoders stay as they are), in it a new first significant cluster by the
original thresholds, hence a new onset; spikes may have fallen anywhere within their bin, so half a
bin either way is added at random. All areas see the same resamples: differences are paired. A
resample without an onset counts as later than the last bin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, cycle

import numpy as np
import pandas as pd

from spikecast.analysis.decoding import labels, nulls
from spikecast.analysis.decoding.bins import BinScores, Classes, Numbers, score_nested, score_shared
from spikecast.analysis.decoding.clusters import cluster_test, first_onset
from spikecast.analysis.decoding.labels import Label
from spikecast.analysis.decoding.nulls import Null
from spikecast.analysis.decoding.sources import Counts, Source
from spikecast.core.checks import check_in_range, check_one_of
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.scoring.ratio_scores import LEVEL
from spikecast.tasks.splits import Fold

METRICS = {"lda": "balanced_accuracy", "ridge": "r2"}
ALL = "all"
ACAUSAL_FEATURES = NoticeKind(
    "acausal_features",
    "severe",
    "the features are acausal: onsets here may lie before the true ones",
)
_NO_BOUNDS = np.array([np.nan, np.nan])


@dataclass(frozen=True)
class OverTime:
    """What can be decoded when.

    Attributes
    ----------
    label, source, decoder, metric : str
    table : DataFrame
        One row per area and bin: ``area, time, score, low, high, chance, p, p_cluster,
        significant``. ``low`` and ``high`` bound the 95 % bootstrap interval over trials,
        ``chance`` is the mean of the null, ``p`` is pointwise, ``p_cluster`` corrected.
    onsets : DataFrame
        One row per area: ``area, n_neurons, onset, low, high, found, peak, peak_time``. Seconds;
        NaN is "none", a bound of infinity is "not before the last bin"; ``found`` is the share of
        resamples with an onset.
    differences : DataFrame
        One row per pair: ``first, second, difference, low, high``; positive: ``second`` is later.
    onset_resamples : DataFrame, (resample, area)
        Seconds, infinite where there is none.
    min_duration, alpha : float
    acausal : bool
        Whether features saw the future: onsets then are no onsets.
    n_left_out : int
        Trials without a label.
    notices : tuple of Notice
    """

    label: str
    source: str
    decoder: str
    metric: str
    table: pd.DataFrame
    onsets: pd.DataFrame
    differences: pd.DataFrame
    onset_resamples: pd.DataFrame
    min_duration: float
    alpha: float
    acausal: bool
    n_left_out: int
    notices: tuple[Notice, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"'{self.label}' over time from {self.source} ({self.decoder}, {self.metric}); onset = "
            f"first significant cluster of at least {1000 * self.min_duration:g} ms"
        ]
        for area, size, onset, low, high, _, peak, peak_time in self.onsets.to_numpy().tolist():
            when = f"from {_ms(onset)} [{_ms(low)}, {_ms(high)}]"
            lines.append(
                f"  {area} ({size} neurons): {when if np.isfinite(onset) else 'no onset'}, "
                f"best {peak:.2f} at {_ms(peak_time)}"
            )
        for first, second, difference, low, high in self.differences.to_numpy().tolist():
            said = f"{_ms(difference)} [{_ms(low)}, {_ms(high)}]"
            lines.append(
                f"  {second} - {first}: {said if np.isfinite(difference) else 'not known'}"
            )
        return "\n".join(lines)


def decode_over_time(
    recording: Recording,
    label: str | Sequence | np.ndarray,
    *,
    areas: Sequence[str] | None = None,
    source: Source | None = None,
    decoder: str = "lda",
    penalty: float = 1.0,
    folds: int = 5,
    repeats: int | None = None,
    split: str | None = None,
    gap: int = 0,
    null: str | Null = "label_shuffle",
    strata: str | Sequence[str] | None = None,
    n_permutations: int = 1000,
    n_resamples: int = 1000,
    min_duration: float = 0.03,
    alpha: float = 0.05,
    join: float = 0.001,
    match_neurons: int | None = None,
    n_subsamples: int = 10,
    allow_acausal: bool = False,
    seed: int = 0,
) -> OverTime:
    """Decode a label in every bin, and date the onset of what is found.

    Parameters
    ----------
    recording : Recording
    label : str or array, (trial,)
        A trial column, or a value per trial; trials where it is NaN are left out and counted.
    areas : sequence of str, optional
        Areas to decode from one by one; by default all neurons (or latents) together.
    source : Source, optional
        By default ``Counts(window=0.03)``: square root of the counts of the last 30 ms.
    decoder : {"lda", "ridge"}
        Linear discriminant analysis with equal priors, scored by balanced accuracy; or ridge
        regression of a continuous label, scored by R2 against the training mean.
    penalty : float
        Of both, in units of the mean variance of the features: 1 shrinks directions of average
        variance by half.
    folds, split, gap
        See :func:`spikecast.cross_validate`.
    repeats : int, optional
        How many times trials are cut into folds anew; scores are averages. How the cut falls is the
        larger part of the noise of a weak signal's curve. By default 5, and 1 where a source learns
        something (fits a model) in each fold.
    null : {"label_shuffle", "circular_shift", "pseudo_session"} or callable
        See :mod:`spikecast.analysis.decoding.nulls`.
    strata : str or sequence of str, optional
        Trial columns within whose values labels are shuffled, so that an onset is that of what is
        known beyond them: of the choice, say, not of the stimulus that it follows.
    n_permutations, n_resamples : int
    min_duration : float
        Seconds that a significant cluster must last to count as an onset.
    alpha, join : float
        Levels of a cluster and of a bin's joining one: see
        :func:`spikecast.analysis.decoding.clusters.cluster_test`.
    match_neurons : int, optional
        Decode from random subsets of this many neurons of each area, and average.
    n_subsamples : int
        How many subsets.
    allow_acausal : bool
        Accept features that saw the future; the result carries the flag.
    seed : int

    Returns
    -------
    OverTime

    Raises
    ------
    InputError
        For acausal features.
    NotEnoughDataError
        See :func:`spikecast.analysis.decoding.labels.resolve_label`; or an area has too few
        neurons.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(
    ...     60, {"VISp": 30}, n_bins=30, stim_onset=0.1, effects={"stimulus": 3.0}).recording
    >>> found = decode_over_time(
    ...     recording, recording.trials["contrast_right"] > 0, n_permutations=100, n_resamples=100)
    >>> found.onsets["onset"].round(2).tolist()
    [0.09]
    """
    source = Counts(window=0.03) if source is None else source
    check_one_of("decoder", decoder, list(METRICS))
    check_in_range("n_permutations", n_permutations, round(1 / alpha))
    notices = list(source.notices)
    if not source.causal:
        if not allow_acausal:
            raise InputError(
                f"{source.name} are acausal: at bin t they know bins after t, so they date nothing;"
                " use a causal model or window, or insist with allow_acausal=True"
            )
        notices.append(ACAUSAL_FEATURES())
    known = labels.resolve_label(recording, label, folds, continuous=decoder == "ridge")
    notices += labels.label_notices(known, null, seed)
    within = labels.number_strata(recording, known, strata)
    if within is None:
        notices += labels.stimulus_notices(recording, known, seed)
    recording, source = recording.select(trials=known.trials), source.select_trials(known.trials)
    if repeats is None:
        repeats = 1 if source.learnt or split == "block" else 5
    cuts = labels.cut_folds(
        known, folds, null, repeats, groups=source.groups, split=split, gap=gap, seed=seed
    )
    kept_in = cuts[0] if repeats == 1 else ()
    drawn = nulls.draw_labels(null, known.values, n_permutations, seed, kept_in, within)
    draws = np.vstack([known.values, drawn])
    weights = labels.draw_resamples(known, n_resamples, seed)
    least_bins = int(np.ceil(min_duration / recording.bin_size - 1e-9))

    curves, onsets, resampled = [], [], {}
    for area, parts in _populations(recording, areas, match_neurons, n_subsamples, seed):
        jobs = zip(cycle(parts), cycle(cuts), range(max(len(parts), len(cuts))))
        scored = _average(
            [_score(part, source, draws, known, cut, penalty, seed) for part, cut, _ in jobs]
        )
        time = source.time(parts[0])
        test = cluster_test(scored.scores, alpha, join)
        curve = scored.scores[0]
        bootstrapped = (weights @ scored.numerator) / (weights @ scored.denominator)
        low, high = _bounds(bootstrapped)
        curves.append(
            pd.DataFrame(
                {
                    "area": area,
                    "time": time,
                    "score": curve,
                    "low": low,
                    "high": high,
                    "chance": scored.scores[1:].mean(axis=0),
                    "p": test.p_pointwise,
                    "p_cluster": test.p,
                    "significant": test.significant,
                }
            )
        )
        onset = _seconds(first_onset(curve[np.newaxis], test, least_bins), time)[0]
        # where within its bin a spike fell is not known: half a bin either way
        within_bin = make_rng(seed, "within bin", area).uniform(-0.5, 0.5, n_resamples)
        crossings = first_onset(bootstrapped, test, least_bins)
        resampled[area] = _seconds(crossings + within_bin, time)
        early, late = np.array(_bounds(resampled[area])) if np.isfinite(onset) else _NO_BOUNDS
        onsets.append(
            {
                "area": area,
                "n_neurons": parts[0].n_neurons,
                "onset": onset if np.isfinite(onset) else np.nan,
                "low": early,
                "high": late,
                "found": float(np.isfinite(resampled[area]).mean()),
                "peak": curve.max(),
                "peak_time": time[curve.argmax()],
            }
        )
    table = pd.DataFrame(onsets)
    return OverTime(
        known.name,
        source.name,
        decoder,
        METRICS[decoder],
        pd.concat(curves, ignore_index=True),
        table,
        _differences(table, resampled),
        pd.DataFrame(resampled),
        min_duration,
        alpha,
        not source.causal,
        known.n_left_out,
        tuple(notices),
    )


def _populations(
    recording: Recording,
    areas: Sequence[str] | None,
    match_neurons: int | None,
    n_subsamples: int,
    seed: int,
) -> Iterator[tuple[str, list[Recording]]]:
    """Each area's recording, or several with a random subset of its neurons."""
    for area in [ALL] if areas is None else areas:
        whole = recording if areas is None else recording.select(area=area)
        if match_neurons is None:
            yield area, [whole]
            continue
        if whole.n_neurons < match_neurons:
            raise NotEnoughDataError(
                f"'{area}' has {whole.n_neurons} neurons, fewer than match_neurons={match_neurons}"
            )
        rng = make_rng(seed, "subsample", area)
        yield (
            area,
            [
                whole.select(neurons=rng.permutation(whole.n_neurons)[:match_neurons])
                for _ in range(n_subsamples if match_neurons < whole.n_neurons else 1)
            ],
        )


def _score(
    recording: Recording,
    source: Source,
    draws: np.ndarray,
    known: Label,
    folds: Sequence[Fold],
    penalty: float,
    seed: int,
) -> BinScores:
    def target(cut: Sequence[Fold]) -> Classes | Numbers:
        return Numbers(draws, cut) if known.continuous else Classes(draws, known.classes.size)

    covered = all(len(fold.train) + len(fold.test) == known.trials.size for fold in folds)
    if covered and not source.learnt:
        return score_shared(source.compute_features(recording), target(folds), folds, penalty)
    features = list(source.fold_features(recording, folds, seed))
    return score_nested(features, target([part.fold for part in features]), penalty)


def _average(parts: Sequence[BinScores]) -> BinScores:
    return BinScores(*(np.mean(arrays, axis=0) for arrays in zip(*parts)))


def _seconds(bins: np.ndarray, time: np.ndarray) -> np.ndarray:
    return time[0] + bins * (time[1] - time[0])


def _bounds(resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval along the first axis; of observed values, for some may be infinite."""
    low, high = np.quantile(
        resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0, method="inverted_cdf"
    )
    return low, high


def _differences(onsets: pd.DataFrame, resampled: dict[str, np.ndarray]) -> pd.DataFrame:
    of = dict(zip(onsets["area"], onsets["onset"]))
    rows = []
    for first, second in combinations(of, 2):
        low, high = _NO_BOUNDS
        if np.isfinite(of[first]) and np.isfinite(of[second]):
            # where neither has an onset there is no difference
            either = np.isfinite(resampled[first]) | np.isfinite(resampled[second])
            low, high = _bounds(resampled[second][either] - resampled[first][either])
        rows.append((first, second, of[second] - of[first], low, high))
    return pd.DataFrame(rows, columns=["first", "second", "difference", "low", "high"])


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if np.isfinite(seconds) else "none"
