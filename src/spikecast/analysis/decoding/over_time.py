"""When information appears: a linear decoder per bin, cluster correction, onset latency.

**The time of an onset.** Scores at bin t use a window that ends with bin t, and t is named by the
bin's centre. An onset is where the curve crosses the threshold on its way from the last bin below
(by its centre) to the first bin above. What is strong at once is dated right to half a bin. What
grows slowly, or is diluted by the older bins of a long window, is found late: an onset is an upper
bound, and a difference between areas is fair only as far as their signals grow alike and their
populations are of like size (as they are by default: :class:`MatchedAreas`). A short window dates
sharply, a long one finds weak signals. A bin must be above chance for itself (``join``: p < 0.001)
to begin an onset: with a lenient threshold noise before the true onset is taken for its beginning.

**Its interval.** Trials are resampled within classes; each resample gives a new curve from the
held-out predictions (decoders stay as they are), in it a new first significant cluster by the
original thresholds, hence a new onset; spikes may have fallen anywhere within their bin, so half a
bin either way is added at random. All areas see the same resamples: differences are paired. A
resample without an onset counts as later than the last bin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, cycle
from typing import Any

import numpy as np
import pandas as pd

from spikecast.analysis.decoding.area_choice import (
    ALL,
    Areas,
    MatchedAreas,
    choose_areas,
    select_populations,
)
from spikecast.analysis.decoding.bins import (
    BinScores,
    ClassTarget,
    NumberTarget,
    score_nested,
    score_shared,
)
from spikecast.analysis.decoding.clusters import ClusterLevels, cluster_test, find_onsets
from spikecast.analysis.decoding.null_choice import NullChoice
from spikecast.analysis.decoding.nulls import AUTO, LabelNull
from spikecast.analysis.decoding.problem import (
    DecodedFold,
    Draws,
    Folds,
    LabelProblem,
    Null,
    Values,
    draw_resamples,
    make_label_problem,
)
from spikecast.analysis.decoding.sources import Counts, FoldFeatures, Source
from spikecast.analysis.results import Result, make_settings
from spikecast.core.checks import check_in_range, check_kind, check_one_of
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.binning import LONGEST
from spikecast.data.recording import Recording
from spikecast.scoring.ratio_scores import LEVEL
from spikecast.tasks.splits import Fold, Split

METRICS = {"lda": "balanced_accuracy", "ridge": "r2"}
N_REPEATS = 5
ACAUSAL_FEATURES = NoticeKind(
    "acausal_features",
    "severe",
    "the features are acausal: onsets here may lie before the true ones",
)


LARGEST_PENALTY = 1e12


@dataclass(frozen=True)
class LinearDecoder:
    """The decoder of every bin.

    Parameters
    ----------
    name : {"lda", "ridge"}
        Linear discriminant analysis with equal priors, scored by balanced accuracy; or ridge
        regression of a continuous label, scored by R2 against the training mean.
    penalty : float
        In units of the mean variance of the features: 1 shrinks directions of average variance by
        half.
    """

    name: str = "lda"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        check_one_of("decoder", self.name, list(METRICS))
        check_in_range("penalty", self.penalty, 0, LARGEST_PENALTY)


@dataclass(frozen=True)
class OnsetRule(ClusterLevels):
    """What counts as an onset: the start of the first significant cluster that lasts.

    Parameters
    ----------
    alpha, join : float
        See :class:`spikecast.analysis.decoding.clusters.ClusterLevels`.
    min_duration : float
        Seconds that the cluster must last; one bin at least.
    allow_acausal : bool
        Accept features that use later bins; the result carries the flag.
    """

    min_duration: float = 0.03
    allow_acausal: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_in_range("min_duration (s)", self.min_duration, 0, LONGEST)


@dataclass(frozen=True, repr=False)
class OverTime(Result):
    """What can be decoded when.

    Attributes
    ----------
    label, source, decoder, metric : str
    table : DataFrame
        One row per area and bin: ``area, time, score, low, high, chance, p, p_cluster,
        significant``. ``low`` and ``high`` bound the 95 % bootstrap interval over trials,
        ``chance`` is the mean of the null, ``p`` is pointwise, ``p_cluster`` corrected; NaN where
        there is no null.
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
        Whether features use later bins: onsets may then lie before the true ones.
    n_left_out : int
        Trials without a label.
    null_used : NullChoice
        Which null, and why.
    n_matched : int or None
        Neurons that each area was decoded from, where areas were matched.
    folds : tuple of DecodedFold
        The trials and labels that each fold's fits were given, by area, subset and cut.
    notices : tuple of Notice
    """

    figure = "onsets"

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
    null_used: NullChoice
    n_matched: int | None = None
    folds: tuple[DecodedFold, ...] = ()
    notices: tuple[Notice, ...] = ()

    def __str__(self) -> str:
        rows = self.onsets[["area", "onset", "low", "high"]].to_numpy().tolist()
        onsets = "; ".join(
            f"{area} {onset:.3f} s [{low:.3f}, {high:.3f}]" if onset > -np.inf else f"{area} none"
            for area, onset, low, high in rows
        )
        return f"'{self.label}' over time from {self.source} ({self.metric}), onsets: {onsets}"


def decode_over_time(
    recording: Recording,
    label: Values,
    *,
    areas: Areas = None,
    source: Source | None = None,
    decoder: str | LinearDecoder = "lda",
    folds: Folds = 5,
    null: Null = AUTO,
    n_permutations: int | Draws = 1000,
    onset: OnsetRule = OnsetRule(),
    seed: int = 0,
) -> OverTime:
    """Decode a label in every bin, and date the onset of what is decoded.

    Parameters
    ----------
    recording : Recording
    label : str or array, (trial,)
        A trial column, a comparison (``"contrast>0"``), or a value per trial; trials where it is
        NaN are left out and counted.
    areas : sequence of str, MatchedAreas or WholeAreas, optional
        Areas to decode from one by one; by default all neurons (or latents) together. Several areas
        are decoded from equally many neurons each, random subsets as large as the smallest area;
        pass ``WholeAreas(names)`` to take all.
    source : Source, optional
        By default ``Counts(window=0.03)``: square root of the counts of the last 30 ms.
    decoder : {"lda", "ridge"} or LinearDecoder
        Classes, or a continuous label.
    folds : int or Split
        How the cut falls is the larger part of the noise of a weak signal's curve. By default
        trials are therefore cut 5 times anew and scores averaged; once where a source learns
        something (fits a model) in each fold, and into blocks.
    null : {"auto", "label_shuffle", "pseudo_session", "circular_shift"}, callable or LabelNull
        See :mod:`spikecast.analysis.decoding.nulls`; the result says which one ``auto`` took, and
        why. With strata an onset is that of what can be decoded beyond them: of the choice, say,
        not of the stimulus that it follows.
    n_permutations : int or Draws
        Draws of the null; as ``Draws`` also how many resamples give the intervals.
    onset : OnsetRule
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
    >>> decoding = decode_over_time(
    ...     recording, recording.trials["contrast_right"] > 0, n_permutations=100)
    >>> decoding.onsets["onset"].round(2).tolist()
    [0.09]
    """
    source = Counts(window=0.03) if source is None else source
    check_kind(source, Source)
    check_kind(onset, OnsetRule)
    decoder, split = make_settings(LinearDecoder, decoder), make_settings(Split, folds)
    null, draws = make_settings(LabelNull, null), make_settings(Draws, n_permutations)
    check_in_range("n_permutations", draws.n_permutations, round(1 / onset.alpha))
    if not (source.causal or onset.allow_acausal):
        raise InputError(
            f"{source.name} are acausal: at bin t they use bins after t, so onsets would be too "
            "early; use a causal model or window, or insist with OnsetRule(allow_acausal=True)"
        )
    problem = make_label_problem(
        recording, label, source, split, null, draws.n_permutations, seed,
        continuous=decoder.name == "ridge",
        n_repeats=1 if source.learns or split.by == "block" else N_REPEATS,
    )  # fmt: skip
    notices = [*problem.notices, *([] if source.causal else [ACAUSAL_FEATURES()])]
    weights = draw_resamples(problem.label, draws.n_resamples, seed)
    chosen = choose_areas(problem.recording, areas)
    results = [
        _find_area_onset(area, parts, problem, decoder, onset, weights, seed)
        for area, parts in select_populations(problem.recording, chosen, seed)
    ]
    onsets = pd.DataFrame([one.onset for one in results])
    resampled = {one.onset["area"]: one.resampled for one in results}
    return OverTime(
        problem.label.name,
        source.name,
        decoder.name,
        METRICS[decoder.name],
        pd.concat([one.curve for one in results], ignore_index=True),
        onsets,
        _compare_onsets(onsets, resampled),
        pd.DataFrame(resampled),
        onset.min_duration,
        onset.alpha,
        not source.causal,
        problem.label.n_left_out,
        problem.null_used,
        chosen.n_neurons if isinstance(chosen, MatchedAreas) else None,
        tuple(fold for one in results for fold in one.folds),
        tuple(notices),
    )


@dataclass(frozen=True)
class _AreaOnset:
    """One area: its curve, its row of the table of onsets, and its resampled onsets (seconds)."""

    curve: pd.DataFrame
    onset: dict[str, Any]
    resampled: np.ndarray
    folds: list[DecodedFold]


def _find_area_onset(
    area: str,
    parts: Sequence[Recording],
    problem: LabelProblem,
    decoder: LinearDecoder,
    rule: OnsetRule,
    weights: np.ndarray,
    seed: int,
) -> _AreaOnset:
    """Score every bin of an area, find its onset and that of every resample of the trials."""
    pairs = zip(cycle(parts), cycle(problem.cuts), range(max(len(parts), len(problem.cuts))))
    scored = [_score_bins(part, problem, cut, decoder.penalty, seed) for part, cut, _ in pairs]
    scores = BinScores(*(np.mean(arrays, axis=0) for arrays in zip(*(one for one, _ in scored))))
    time, curve = problem.source.time(parts[0]), scores.scores[0]
    test = cluster_test(scores.scores, rule)
    bootstrapped = (weights @ scores.numerator) / (weights @ scores.denominator)
    low, high = _find_limits(bootstrapped)
    columns = {"area": area, "time": time, "score": curve, "low": low, "high": high}
    columns |= {"chance": test.chance, "p": test.p_pointwise}
    columns |= {"p_cluster": test.p, "significant": test.significant}

    least_bins = max(int(np.ceil(rule.min_duration / parts[0].bin_size - 1e-9)), 1)
    onset = _to_seconds(find_onsets(curve[np.newaxis], test, least_bins), time)[0]
    # a spike may have been anywhere within its bin: half a bin either way
    within_bin = make_rng(seed, "within bin", area).uniform(-0.5, 0.5, len(weights))
    resampled = _to_seconds(find_onsets(bootstrapped, test, least_bins) + within_bin, time)
    early, late = _find_limits(resampled) if np.isfinite(onset) else (np.nan, np.nan)
    row = {
        "area": area,
        "n_neurons": parts[0].n_neurons,
        "onset": onset if np.isfinite(onset) else np.nan,
        "low": early,
        "high": late,
        "found": float(np.isfinite(resampled).mean()),
        "peak": curve.max(),
        "peak_time": time[curve.argmax()],
    }
    folds = [
        fold
        for _, features in scored
        for fold in problem.describe_folds(features, area="" if area == ALL else area)
    ]
    return _AreaOnset(pd.DataFrame(columns), row, resampled, folds)


def _score_bins(
    recording: Recording, problem: LabelProblem, folds: Sequence[Fold], penalty: float, seed: int
) -> tuple[BinScores, list[FoldFeatures]]:
    """Return scores of every bin, and which trials each fold's fits were given."""
    source, label, labels = problem.source, problem.label, problem.all_labels

    def make_target(cut: Sequence[Fold]) -> ClassTarget | NumberTarget:
        if label.continuous:
            return NumberTarget(labels, cut)
        return ClassTarget(labels, label.classes.size)

    none = np.empty((0, 0, 0))
    covered = all(len(fold.train) + len(fold.test) == label.trials.size for fold in folds)
    if covered and not source.learns:
        x = source.compute_features(recording)
        scores = score_shared(x, make_target(folds), folds, penalty)
        return scores, [FoldFeatures(fold, none, none) for fold in folds]
    features = list(source.fold_features(recording, folds, seed))
    scores = score_nested(features, make_target([part.fold for part in features]), penalty)
    return scores, [part._replace(train=none, test=none) for part in features]


def _to_seconds(bins: np.ndarray, time: np.ndarray) -> np.ndarray:
    return time[0] + bins * (time[1] - time[0])


def _find_limits(resampled: np.ndarray) -> tuple[Any, Any]:
    """Return the 95 % interval along the first axis, of observed values: some may be infinite."""
    low, high = np.quantile(
        resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0, method="inverted_cdf"
    )
    return low, high


def _compare_onsets(onsets: pd.DataFrame, resampled: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the difference between the onsets of every pair of areas, with its interval."""
    onset_of = dict(zip(onsets["area"], onsets["onset"]))
    rows = []
    for first, second in combinations(onset_of, 2):
        difference, bounds = onset_of[second] - onset_of[first], (np.nan, np.nan)
        if np.isfinite(difference):
            # where neither has an onset there is no difference
            either = np.isfinite(resampled[first]) | np.isfinite(resampled[second])
            bounds = _find_limits(resampled[second][either] - resampled[first][either])
        rows.append((first, second, difference, *bounds))
    return pd.DataFrame(rows, columns=["first", "second", "difference", "low", "high"])
