"""Does one area lead another: lagged prediction beyond the target's own past, and its asymmetry."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.interareal.granger_model import (
    DIRECTIONS,
    OWN_DEPTH,
    AreaPast,
    OwnPastModel,
    average_past,
)
from spikecast.analysis.interareal.granger_scores import (
    PAST,
    GainSums,
    make_interval,
    measure_asymmetry,
    subtract_directions,
    tabulate_lags,
    tabulate_time,
)
from spikecast.analysis.interareal.granger_shifts import FlowTest, add_shift_test, rank_flow
from spikecast.analysis.interareal.populations import (
    MIN_RATE,
    TwoPopulations,
    average_lags,
    project_components,
    select_two_populations,
)
from spikecast.analysis.interareal.shift_claims import (
    ALPHA,
    N_SHIFTS,
    Claim,
    make_claim,
    plan_pairings,
)
from spikecast.analysis.results import Result
from spikecast.core.checks import check_count, check_in_range, check_kind
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation.clearing import Clearing, clear_recording
from spikecast.scoring.ratio_scores import Interval, draw_bootstrap_weights
from spikecast.tasks.behavior import leave_out_unrecorded
from spikecast.tasks.splits import Fold, split_by_trial

N_RESAMPLES = 2000
LEAD_IS_NO_CAUSE = NoticeKind(
    "lead_is_no_cause",
    "minor",
    "A lead in time is not a cause: a third area that reaches one of the two earlier looks the "
    "same, and so does any part of the own past that the components miss.",
)


@dataclass(frozen=True)
class PastFeatures:
    """What of an area's past predicts the other area, and how finely in time it is shown.

    Parameters
    ----------
    n_components : int
        Principal components of the source; the target's own past has twice as many.
    window : int
        The source's bins t - lag - window + 1 to t - lag are averaged. 1 gives the sharpest lag,
        more gives more power.
    stretch : int
        Bins of the trial in each row of ``over_time``.
    """

    n_components: int = 10
    window: int = 1
    stretch: int = 5

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            check_count(name, number, 1)


@dataclass(frozen=True)
class NeuronSample:
    """Which neurons of two areas take part: equally many of either.

    Parameters
    ----------
    min_rate : float
        Neurons that fire less often (Hz) are left out.
    n_neurons : int, optional
        In each area; by default as many as the smaller area has.
    n_repeats : int
        Random subsamples of `n_neurons`, each with folds of its own, that are averaged.
    """

    min_rate: float = MIN_RATE
    n_neurons: int | None = None
    n_repeats: int = 3


@dataclass(frozen=True, repr=False)
class InformationFlow(Result):
    """Whether the past of either of two areas predicts the other.

    Attributes
    ----------
    source, target : str
    table : DataFrame
        One row per direction and lag: ``source, target, lag`` (bins; positive: the source's bin
        t - lag predicts the target's bin t beyond the target's own past; negative: the mirror
        image, the source's later bin beyond the target's own future), ``lag_seconds, gain`` (bits
        per spike of the target, held out) with ``low, high``.
    past : DataFrame
        The same columns for the source's whole past (``lag`` = 1) and its mirror (-1), and from the
        shift test, on the trials in the middle of the session: ``shifted`` (mean gain of shifted
        pairings of trials), ``beyond`` (gain of the true pairing minus that) with ``beyond_low,
        beyond_high``, ``p``, and ``stands`` (whether the direction may be claimed: `claim` stands,
        and so does its own p).
    asymmetry : Interval
        Lead of `source` over `target` in bits per spike: ``[(A->B - B->A) - (mirrored A->B -
        mirrored B->A)] / 2`` with the whole past. Above 0 where `source` comes first.
    plain_asymmetry : Interval
        ``A->B - B->A`` alone. It is pulled towards the area whose neurons are read better, so it
        is no evidence on its own.
    claim : Claim
        Whether the past of either area tells anything of the other, beyond what the task, the
        session's drift and recorded movement explain. Without it there is no leader.
    p_of_lead : float, optional
        Of the asymmetry in the shift test.
    over_time : DataFrame
        Per stretch of the trial: ``time`` (s, its centre), ``forward, backward`` (gain A->B, B->A)
        and ``asymmetry`` with ``low, high``.
    n_neurons, n_trials, n_repeats : int
        Neurons in each area after matching; trials; random subsamples and folds averaged.
    notices : tuple of Notice
    """

    figure = "flow"
    source: str
    target: str
    table: pd.DataFrame
    past: pd.DataFrame
    asymmetry: Interval
    plain_asymmetry: Interval
    claim: Claim
    p_of_lead: float | None
    over_time: pd.DataFrame
    n_neurons: int
    n_trials: int
    n_repeats: int
    notices: tuple[Notice, ...] = (LEAD_IS_NO_CAUSE(),)

    @property
    def leader(self) -> str | None:
        """The area that leads, or None.

        Its past tells of the other (its row of `past` stands), the interval of the asymmetry lies
        on its side of 0, and the asymmetry passes the shift test.
        """
        is_ahead = {self.source: self.asymmetry.low > 0, self.target: self.asymmetry.high < 0}
        lead_is_real = self.p_of_lead is not None and self.p_of_lead <= ALPHA
        rows = self.past[(self.past["lag"] > 0) & self.past["stands"]]
        leaders = [area for area in rows["source"] if is_ahead[area] and lead_is_real]
        return leaders[0] if leaders else None

    @property
    def peak_lag(self) -> int:
        """Lag in bins, of either sign, at which `source` adds most to `target`."""
        rows = self.table[self.table["source"] == self.source]
        return int(rows["lag"].to_numpy()[rows["gain"].to_numpy().argmax()])

    def __str__(self) -> str:
        lead = f"{self.leader} leads" if self.leader else "no lead found"
        return (
            f"{self.source} and {self.target}, {self.n_neurons} neurons each, "
            f"{self.n_trials} trials: {lead} "
            f"(asymmetry {self.asymmetry} bits/spike, corrected by mirrored time; {self.claim})"
        )


def information_flow(
    recording: Recording,
    source: str,
    target: str,
    lags: Sequence[int] = (1, 2, 3, 5, 8),
    *,
    past: PastFeatures = PastFeatures(),
    neurons: NeuronSample = NeuronSample(),
    folds: int = 5,
    n_shifts: int = N_SHIFTS,
    conditions: Sequence[str] | None = None,
    seed: int = 0,
) -> InformationFlow:
    """Measure how well an area's past predicts another's activity beyond its own, both ways.

    In every fold each target neuron is first predicted from its area's own past (principal
    components in stretches of 1, 2-3, 4-7, ... bins back), from what the task, the session's slow
    drift and recorded movement make expect of the present, and a time course common to all trials,
    by Poisson regression; then from the source's bin t - lag besides, without what these three
    explain of it. The gain on held-out trials is Granger's (1969), for counts, in bits per spike.
    All features are strictly in the past and no bin is smoothed into another, so a lag is a lag.

    Whether either past tells anything of the other area is tested by pairing the trials of one with
    later or earlier trials of the other (the linear shift of Harris 2021): what changes slowly
    stays, what belongs to the single trial goes. Nothing is claimed where that does as well.

    Negative lags are the same analysis on the recording played backwards. If two areas only share
    an input, the covariance between them is the same in both orders of time, however well or badly
    either is read; a lead is not. The asymmetry therefore subtracts the mirrored one (time-reversed
    Granger causality: Haufe et al. 2013, Winkler et al. 2016). Without this the area with more
    spikes, or with neurons that read the shared input better, would seem to lead.

    Parameters
    ----------
    recording : Recording
        Counts, cut into trials.
    source, target : str
        Areas.
    lags : sequence of int
        Positive, in bins; each is evaluated in both orders of time. The longest says how far the
        whole past reaches; that many bins at either end of a trial are not scored.
    past : PastFeatures
    neurons : NeuronSample
    folds : int
        Over trials.
    n_shifts : int
        Shifted pairings of trials that the true one is compared with; with 0 nothing is claimed.
    conditions : sequence of str, optional
        Trial columns that make the condition; by default both contrasts.
    seed : int

    Returns
    -------
    InformationFlow

    Raises
    ------
    InputError, NotEnoughDataError
        When the areas are the same, the recording is not counts, a lag is not positive, or trials
        are too short for the lags.

    Notes
    -----
    What it cannot show: causation, or a lead shorter than a bin. An input that reaches both areas
    but one of them earlier is a lead by this measure. A shared input whose time course is itself
    irreversible (sharp rise, slow decay) cancels only as far as both areas are read equally well.
    The shift test is made with the first of the subsamples of neurons. The interval is over
    trials, widened for the models having been learnt from them (:func:`compute_refit_limits`); it
    says nothing about other neurons or animals.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(
    ...     n_trials=20, areas={"VISp": 8, "MOs": 8}, n_bins=40, stim_onset=0.1).recording
    >>> flow = information_flow(recording, "VISp", "MOs", lags=(1, 3), n_shifts=0, folds=2)
    >>> flow.table.shape
    (8, 7)
    """
    lags = _check_arguments(recording, lags, past)
    check_kind(neurons, NeuronSample)
    recording, missing = leave_out_unrecorded(recording)
    two = select_two_populations(recording, source, target, neurons.min_rate)
    clearing = clear_recording(recording, conditions)
    samples = _draw_samples(recording, two, neurons, seed)

    totals: dict[tuple[int, int], GainSums] = {}  # (direction, order of time)
    for repeat, pair in enumerate(samples):
        cut = split_by_trial(recording.n_trials, folds, derive_seed(seed, "flow", "folds", repeat))
        for key, sums in _measure_gains(pair, lags, past, cut, clearing, seed).items():
            totals[key] = totals[key] + sums if key in totals else sums
    edge = _count_edge(lags, past.window)
    pairings = plan_pairings(clearing, n_shifts)
    test = FlowTest(None, None, None)
    if pairings is not None:
        test = rank_flow(samples[0], clearing, pairings, edge, past.n_components, seed)

    weights = draw_bootstrap_weights(recording.n_trials, N_RESAMPLES, seed)
    names = [(source, target), (target, source)]
    by_lag, whole_past = (
        tabulate_lags(totals, names, positions, recording.bin_size, weights, folds)
        for positions in (dict(enumerate(lags, start=1)), {PAST: 1})
    )
    whole_past = add_shift_test(whole_past, test.beyond, names)
    whole = {key: (sums.gain[PAST], sums.spikes) for key, sums in totals.items()}
    plain, resampled = (subtract_directions(whole, 1, w) for w in (None, weights))
    return InformationFlow(
        source,
        target,
        by_lag,
        whole_past,
        measure_asymmetry(whole, weights, folds),
        make_interval(plain, resampled, folds),
        make_claim(clearing, n_shifts, test.p),
        test.p_of_lead,
        tabulate_time(
            whole, recording.time[edge : recording.n_bins - edge], past.stretch, weights, folds
        ),
        samples[0][0].shape[2],
        recording.n_trials,
        neurons.n_repeats,
        (LEAD_IS_NO_CAUSE(), *clearing.notices, *missing, *two.notices),
    )


def _check_arguments(recording: Recording, lags: Sequence[int], past: PastFeatures) -> list[int]:
    check_kind(recording, Recording)
    check_kind(past, PastFeatures)
    if recording.kind != "counts":
        raise InputError("information_flow needs spike counts; this recording is continuous")
    given = np.atleast_1d(lags).tolist()
    lags = sorted({check_count("a (positive) lag in bins", lag, 1) for lag in given})
    if not lags:
        raise InputError("there are no lags; give positive numbers of bins")
    edge = _count_edge(lags, past.window)
    if recording.n_bins < 2 * edge + 2:
        raise NotEnoughDataError(
            f"lags of {edge} bins are too long for trials of {recording.n_bins}; use shorter lags"
        )
    return lags


def _draw_samples(
    recording: Recording, two: TwoPopulations, neurons: NeuronSample, seed: int
) -> list[list[np.ndarray]]:
    """Return the counts of equally many neurons of either area, for each repeat."""
    candidates = [two.source, two.target]
    n_matched = smaller = min(map(len, candidates))
    if neurons.n_neurons is not None:
        n_matched = int(check_in_range("n_neurons", neurons.n_neurons, 2, smaller))
    check_in_range("n_repeats", neurons.n_repeats, 1)
    samples = []
    for repeat in range(neurons.n_repeats):
        rng = make_rng(seed, "flow", "neurons", repeat)
        chosen = [np.sort(rng.choice(some, n_matched, replace=False)) for some in candidates]
        samples.append([recording.activity[:, :, some] for some in chosen])
    return samples


def _count_edge(lags: Sequence[int], window: int) -> int:
    """Return the number of bins at either end of a trial that are not scored."""
    return lags[-1] + window - 1


def _measure_gains(
    pair: Sequence[np.ndarray],
    lags: Sequence[int],
    past: PastFeatures,
    cut: Sequence[Fold],
    clearing: Clearing,
    seed: int,
) -> dict[tuple[int, int], GainSums]:
    """Return the gain of the other's past over the own, by direction and order of time.

    Of each the gain of the whole past comes first, then that of each lag, in the trial's own order
    of time, whichever order it was measured in. `pair` are the counts of both areas.
    """
    edge = _count_edge(lags, past.window)
    n_trials, n_bins = pair[0].shape[:2]
    n_scored = n_bins - 2 * edge  # the bins from `edge` on that have a mirror image
    gains = {key: np.zeros((1 + len(lags), n_trials, n_scored)) for key in DIRECTIONS}
    for index, fold in enumerate(cut):
        components = [project_components(one, fold.train, 2 * past.n_components) for one in pair]
        predicted = clearing.predict(components, fold)
        # means of conditions hold part of training trials' own activity: the test takes them out
        areas = list(map(AreaPast, components, predicted, predicted))
        for direction, time_order in DIRECTIONS:
            one, other = (
                area if time_order > 0 else area.reverse()
                for area in (areas[direction], areas[1 - direction])
            )
            z = one.describe_source(past.n_components)
            by_lag = (average_lags(z, lag, lag + past.window - 1) for lag in lags)
            sources = [average_past(z, edge), *by_lag]
            y = pair[1 - direction][:, ::time_order, :][:, edge:]
            own = other.describe_own(OWN_DEPTH * edge)[:, edge:]
            base = OwnPastModel(own, y, fold, derive_seed(seed, "flow", index))
            for which, features in enumerate(sources):
                gain = base.measure_gain(features[:, edge:])[:, :n_scored]
                gains[direction, time_order][which, fold.test] = gain[:, ::time_order]
    spikes = [one[:, edge : n_bins - edge].sum(axis=2, dtype=float) for one in pair]
    return {key: GainSums(gain, spikes[1 - key[0]]) for key, gain in gains.items()}
