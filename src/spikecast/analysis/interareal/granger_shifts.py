"""What one area's past adds to another beyond shifted pairings of their trials."""

from collections.abc import Sequence
from dataclasses import astuple
from typing import NamedTuple

import numpy as np
import pandas as pd

from spikecast.analysis.interareal.granger_model import (
    DIRECTIONS,
    OWN_DEPTH,
    AreaPast,
    OwnPastModel,
    average_past,
)
from spikecast.analysis.interareal.granger_scores import estimate_bits, to_bits
from spikecast.analysis.interareal.populations import project_components
from spikecast.analysis.interareal.shift_claims import ALPHA, N_PARTS, Pairings
from spikecast.core.seeding import derive_seed
from spikecast.evaluation.clearing import Clearing
from spikecast.scoring.ratio_scores import draw_bootstrap_weights
from spikecast.tasks.shifts import rank_p
from spikecast.tasks.splits import Fold

BEYOND_COLUMNS = ["shifted", "beyond", "beyond_low", "beyond_high", "p", "stands"]
N_RESAMPLES = 2000
MOST_OF_A_TRIAL = 0.5  # bits per spike that a trial may gain or lose


class FlowTest(NamedTuple):
    """Whether the past of either area predicts the other, of which of them, and which leads.

    ``beyond`` has a row per direction and order of time, indexed by both, with the columns
    ``shifted, beyond, beyond_low, beyond_high, p, stands``.
    """

    p: float | None
    p_of_lead: float | None
    beyond: pd.DataFrame | None


def rank_flow(
    pair: Sequence[np.ndarray],
    clearing: Clearing,
    pairings: Pairings,
    edge: int,
    n_components: int,
    seed: int,
) -> FlowTest:
    """Rank the gains of the true pairing of trials among those of shifted ones.

    `pair` are the counts of both areas, `edge` is the number of bins that the past reaches back.
    The own past is fitted once, the source anew for each pairing. That either past tells something
    of the other is tested by the sum of both gains; a direction stands where that does and its own
    gain does (a closed test, so that with nothing shared one in twenty is wrong about either). The
    lead is the asymmetry corrected by reversed time, tested to both sides.
    """
    measured = _measure_pairings(pair, clearing, pairings, edge, n_components, seed)
    bits = {
        key: np.array([to_bits(one, spikes, None) for one in gain])
        for key, (gain, spikes) in measured.items()
    }
    both = bits[0, 1] + bits[1, 1]
    lead = np.abs(bits[0, 1] - bits[1, 1] - bits[0, -1] + bits[1, -1])
    p = rank_p(both[0], both[1:])
    weights = draw_bootstrap_weights(len(pairings.plan.targets), N_RESAMPLES, seed)
    rows = []
    for key, (gain, spikes) in measured.items():
        excess = estimate_bits(gain[0] - gain[1:].mean(axis=0), spikes, weights, N_PARTS)
        own_p = rank_p(bits[key][0], bits[key][1:])
        rows.append((bits[key][1:].mean(), *astuple(excess), own_p, max(p, own_p) <= ALPHA))
    index = pd.MultiIndex.from_tuples(measured)
    return FlowTest(p, rank_p(lead[0], lead[1:]), pd.DataFrame(rows, index, BEYOND_COLUMNS))


def _measure_pairings(
    pair: Sequence[np.ndarray],
    clearing: Clearing,
    pairings: Pairings,
    edge: int,
    n_components: int,
    seed: int,
) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
    """Return gains (pairing, target trial) and spikes (target trial,), the true pairing first."""
    plan = pairings.plan
    everything = np.arange(len(pair[0]))
    components = [project_components(one, everything, 2 * n_components) for one in pair]
    predicted = clearing.predict_everywhere(components)
    expected = clearing.add_remainders(components, predicted)
    areas = list(map(AreaPast, components, predicted, expected))
    rows = np.arange(len(plan.targets))
    cut = [Fold(np.setdiff1d(rows, part), part) for part in pairings.parts]
    n_scored = pair[0].shape[1] - 2 * edge
    found = {}
    for direction, time_order in DIRECTIONS:
        one, other = (
            area if time_order > 0 else area.reverse()
            for area in (areas[direction], areas[1 - direction])
        )
        source = average_past(one.describe_source(n_components), edge)[:, edge:]
        own = other.describe_own(OWN_DEPTH * edge)[plan.targets, edge:]
        y = pair[1 - direction][plan.targets, ::time_order][:, edge:]
        gain = np.zeros((1 + len(plan.shifts), len(rows)))
        for index, fold in enumerate(cut):
            base = OwnPastModel(own, y, fold, derive_seed(seed, "flow", "shifts", index))
            for number, shift in enumerate(pairings.all_shifts):
                added = base.measure_gain(source[plan.find_sources(shift)])
                gain[number, fold.test] = added[:, :n_scored].sum(axis=1)
        spikes = y[:, :n_scored].sum(axis=(1, 2), dtype=float)
        # where the own past is far off, one trial would outweigh all others
        most = MOST_OF_A_TRIAL * np.log(2) * spikes
        found[direction, time_order] = np.clip(gain, -most, most), spikes
    return found


def add_shift_test(
    past: pd.DataFrame, beyond: pd.DataFrame | None, names: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """Return the gains of the whole past with what the shift test found; NaN where there is none.

    A direction also needs an interval of its gain above 0 to stand.
    """
    keys = [
        (names.index((source, target)), int(np.sign(lag)))
        for source, target, lag in past[["source", "target", "lag"]].to_numpy()
    ]
    if beyond is None:
        beyond = pd.DataFrame(np.nan, pd.MultiIndex.from_tuples(keys), BEYOND_COLUMNS)
        beyond["stands"] = False
    past = past.join(beyond.loc[keys].reset_index(drop=True))
    past["stands"] &= past["low"] > 0
    return past
