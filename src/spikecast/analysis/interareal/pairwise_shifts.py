"""The shift test of many pairs of populations at once, all shifts sharing sums of products.

What task, drift and recorded movement explain is taken out of every population. A ridge regression
in principal components then needs nothing but the products of components of all sources with those
of all targets: of a shift they are one matrix product per part of the trials, and a pair is a block
of it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spikecast.analysis.interareal.pairwise import WIDTH, Pair
from spikecast.analysis.interareal.pairwise_rungs import Expected
from spikecast.analysis.interareal.shift_claims import (
    ALPHA,
    N_SHIFTS,
    Pairings,
    find_obstacle,
    plan_pairings,
)
from spikecast.data.dataset import Kind
from spikecast.evaluation.clearing import Clearing
from spikecast.models.behavior_null import BehaviorNull
from spikecast.models.preprocess import smooth
from spikecast.tasks.trial_facts import TrialFacts

BINS = 4  # that are averaged: smoothed activity hardly changes within them
N_COMPONENTS = 20
PENALTY = 10.0  # relative to a population's first variance; strong: it is the ranking that counts
MAX_SHIFTS = 400


class ShiftScores(NamedTuple):
    """The scores of every pair: of the true pairing of trials first, then of each shift.

    `untested` says why there are none; see
    :class:`spikecast.analysis.interareal.shift_claims.Claim`.
    """

    scores: dict[str, np.ndarray]  # (1 + shift,)
    untested: str | None


def choose_n_shifts(n_pairs: int) -> int:
    """Return so many shifts that one pair of `n_pairs` alone could pass after correction for all.

    There are 40 at least. Of 400, and of half the number of trials, there are no more.

    Examples
    --------
    >>> choose_n_shifts(2), choose_n_shifts(6), choose_n_shifts(90)
    (40, 120, 400)
    """
    return min(max(N_SHIFTS, round(n_pairs / ALPHA)), MAX_SHIFTS)


def score_shifts(
    activity: np.ndarray,
    pairs: Mapping[str, Pair],
    expected: Expected,
    facts: TrialFacts,
    n_shifts: int,
    *,
    kind: Kind = "counts",
    n_chunks: int = 1,
) -> ShiftScores:
    """Score every pair with its true and with shifted pairings of trials, refitted for each.

    The scores of a pair are comparable with each other only: squared error of the target's
    components that its source explains on held-out trials.

    Parameters
    ----------
    activity : array, (trial, time, neuron)
    pairs : mapping of name -> Pair
    expected : Expected
        Of all neurons, sources too, without a source.
    facts : TrialFacts
        Of these trials.
    n_shifts : int
    kind : {"counts", "continuous"}
    n_chunks : int
        Parts of each trial that take the place of trials: of windows of a continuous recording.

    References
    ----------
    Harris 2021, Nonsense correlations in neuroscience.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> state = rng.normal(size=(100, 1, 1))
    >>> x = state @ np.ones((1, 10)) + rng.normal(size=(100, 20, 10))
    >>> facts = TrialFacts(np.arange(100.0), np.zeros(100, dtype=int))
    >>> pairs = {"a to b": Pair(np.arange(6), np.arange(6, 10))}
    >>> expected = Expected(np.arange(10), np.zeros(x.shape), [], np.zeros((100, 10)))
    >>> scores, _ = score_shifts(x, pairs, expected, facts, 40, kind="continuous")
    >>> scores["a to b"].shape, int(scores["a to b"].argmax())
    ((41,), 0)
    """
    shifted = Clearing(_repeat_facts(facts, n_chunks))
    obstacle = find_obstacle(shifted, n_shifts)
    if obstacle:
        return ShiftScores({}, obstacle)
    pairings = plan_pairings(shifted, n_shifts)
    assert pairings is not None
    populations: dict[bytes, np.ndarray] = {}
    for pair in pairs.values():
        populations |= {_name(one): np.asarray(one) for one in pair}
    left = _clear(activity, expected, facts, kind)
    n_kept = left.shape[1] // n_chunks * n_chunks
    left = left[:, :n_kept].reshape(len(left) * n_chunks, -1, left.shape[2])
    components = {
        name: _find_components(left[:, :, expected.find(neurons)])
        for name, neurons in populations.items()
    }
    scores: dict[str, np.ndarray] = {}
    for group in _group_pairs(pairs, list(populations)):
        scores |= _score_group(group, components, pairings)
    return ShiftScores({name: scores[name] for name in pairs}, None)


def _name(neurons: np.ndarray) -> bytes:
    return np.asarray(neurons).tobytes()


def _repeat_facts(facts: TrialFacts, n_chunks: int) -> TrialFacts:
    """Return what is known of the chunks of trials, in their order, besides their behaviour."""
    condition, lacking = (
        np.repeat(one, n_chunks) for one in (facts.condition, facts.lacks_behavior)
    )
    place = None if facts.place is None else np.arange(len(condition))
    return TrialFacts(place, condition, None, lacking)


def _clear(activity: np.ndarray, expected: Expected, facts: TrialFacts, kind: Kind) -> np.ndarray:
    """Return what is left of activity, smoothed and averaged over bins, (trial, time, neuron).

    Counts are divided by the square root of their mean. A null shrinks the response to a condition
    and the weights of behaviour; what that leaves is common to all areas, so both are taken out
    once more, without shrinkage.
    """
    left = activity[:, :, expected.neurons] - expected.held_out
    if kind == "counts":
        left /= np.sqrt(expected.held_out.mean(axis=(0, 1)))
    left = _average_bins(smooth(left, WIDTH))
    explains = [] if facts.behavior is None else [_regress_behavior(facts.behavior)]
    for label in np.unique(facts.condition):
        here = facts.condition == label
        for values in (left, *explains):
            values[here] -= values[here].mean(axis=0)
    for regressors in explains:
        z, flat = (one.reshape(-1, one.shape[2]) for one in (regressors, left))
        gram = z.T @ z
        gram[np.diag_indices_from(gram)] += 1e-4 * gram.trace() / len(gram)
        left = (flat - z @ np.linalg.solve(gram, z.T @ flat)).reshape(left.shape)
    return left


def _regress_behavior(behavior: np.ndarray) -> np.ndarray:
    """Return regressors of behaviour, averaged over bins, (trial, time, regressor)."""
    return _average_bins(BehaviorNull().scale_regressors(behavior))


def _average_bins(values: np.ndarray) -> np.ndarray:
    n_trials, n_bins, n_columns = values.shape
    bins = min(BINS, n_bins)
    cut = values[:, : n_bins // bins * bins]
    return cut.reshape(n_trials, -1, bins, n_columns).mean(axis=2)


def _find_components(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first principal components, (trial, time, component), and their variances."""
    flat = z.reshape(-1, z.shape[2])
    center = flat.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
    axes = axes[:, ::-1][:, :N_COMPONENTS]
    rotated = (z - center) @ axes.astype(z.dtype)
    return rotated, np.maximum(variances[::-1][:N_COMPONENTS], 0)


def _group_pairs(
    pairs: Mapping[str, Pair], populations: Sequence[bytes]
) -> list[dict[str, tuple[bytes, bytes]]]:
    """Return the pairs, as names of populations, in groups that share no population."""
    number = {name: index for index, name in enumerate(populations)}
    named = {name: (_name(pair.source), _name(pair.target)) for name, pair in pairs.items()}
    ends = np.array([[number[one] for one in pair] for pair in named.values()]).T
    size = len(populations)
    graph = coo_array((np.ones(len(named)), (ends[0], ends[1])), (size, size))
    _, label = connected_components(graph, directed=False)
    groups: dict[int, dict[str, tuple[bytes, bytes]]] = {}
    for (name, pair), source in zip(named.items(), ends[0], strict=True):
        groups.setdefault(int(label[source]), {})[name] = pair
    return list(groups.values())


def _score_group(
    group: Mapping[str, tuple[bytes, bytes]],
    components: Mapping[bytes, tuple[np.ndarray, np.ndarray]],
    pairings: Pairings,
) -> dict[str, np.ndarray]:
    """Return the scores of pairs that share populations."""
    sources = list(dict.fromkeys(source for source, _ in group.values()))
    targets = list(dict.fromkeys(target for _, target in group.values()))
    x = np.concatenate([components[name][0] for name in sources], axis=2).astype(np.float32)
    y = np.concatenate([components[name][0] for name in targets], axis=2).astype(np.float32)
    variance = np.concatenate([components[name][1] for name in sources])
    first = np.repeat([components[name][1][0] for name in sources],
                      [len(components[name][1]) for name in sources])  # fmt: skip
    inverse = 1 / np.maximum(variance + PENALTY * first, 1e-12)[:, np.newaxis]
    starts = [
        np.cumsum([0, *(len(components[name][1]) for name in names)])[:-1]
        for names in (sources, targets)
    ]
    y = y[pairings.plan.targets]
    scores = np.empty((len(pairings.all_shifts), len(sources), len(targets)))
    for index, shift in enumerate(pairings.all_shifts):
        shifted = x[pairings.plan.find_sources(shift)]
        products = np.stack([_multiply(shifted[part], y[part]) for part in pairings.parts])
        gained = np.zeros(products.shape[1:], dtype=np.float32)
        for part, held_out in zip(pairings.parts, products, strict=True):
            n_test, n_train = (n * y.shape[1] for n in (len(part), len(y) - len(part)))
            weights = inverse * (products.sum(axis=0) - held_out) / n_train
            gained += weights * (2 * held_out - n_test * variance[:, np.newaxis] * weights)
        blocks = np.add.reduceat(np.add.reduceat(gained, starts[0], axis=0), starts[1], axis=1)
        scores[index] = blocks
    return {
        name: scores[:, sources.index(source), targets.index(target)]
        for name, (source, target) in group.items()
    }


def _multiply(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return sums of products over trials and bins, (source component, target component)."""
    return x.reshape(-1, x.shape[2]).T @ y.reshape(-1, y.shape[2])
