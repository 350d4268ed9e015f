"""Refractory violations, and how many spikes of other neurons they imply."""

import numpy as np
from scipy.stats import poisson

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.doctor.names import describe_labels, name_units
from spikecast.data.doctor.spike_facts import REFRACTORY, SpikeFacts
from spikecast.data.session import RawSession

MOST_CONTAMINATION = 0.1  # a tenth of the spikes are another neuron's
HALF = 0.5
ALPHA = 0.01  # for all units together

CONTAMINATED = NoticeKind(
    "contaminated",
    "serious",
    "{n} of {n_units} units with spikes of other neurons: pairs within {refractory_ms:g} ms imply "
    "more than {limit:.0%} foreign spikes (median of these units {median:.0%}){labels}: {units}. "
    "They are no single neurons",
)


def estimate_contamination(n_violations: np.ndarray, chance_pairs: np.ndarray) -> np.ndarray:
    """Return the share of foreign spikes that refractory violations imply, (unit,).

    The foreign spikes are taken to be those of many other neurons, independent of the unit's own.
    A share C of them gives ``2 C - C^2`` of the pairs that there were without a refractory period,
    so that ``C = 1 - sqrt(1 - violations / pairs)``; more violations than pairs are 1.

    Parameters
    ----------
    n_violations : array, (unit,)
        Pairs within the refractory period.
    chance_pairs : array, (unit,)
        Pairs within it of a unit that has none: ``n_spikes^2 * refractory / seconds`` where its
        rate is constant.

    References
    ----------
    Hill, Mehta & Kleinfeld 2011, Quality metrics to accompany spike sorting of extracellular
    signals, J Neurosci 31:8699 (one other neuron: nearly the same below .2).
    Llobet, Wyngaard & Barbour 2022, Automatic post-processing and merging of multiple
    spike-sorting analyses with Lussac, bioRxiv 2022.02.08.479192.

    Examples
    --------
    >>> estimate_contamination(np.array([0, 19, 999]), np.array([100.0, 100.0, 100.0])).round(2)
    array([0. , 0.1, 1. ])
    """
    share = n_violations / np.maximum(chance_pairs, 1e-12)
    return 1 - np.sqrt(1 - np.clip(share, 0, 1))


def find_contaminated(facts: SpikeFacts) -> np.ndarray:
    """Return a mask (unit,): violations beyond those of a tenth of foreign spikes, and chance."""
    return (facts.n_violations > 0) & _are_too_many(facts.n_violations, facts)


def find_judged(facts: SpikeFacts) -> np.ndarray:
    """Return a mask (unit,): spikes are enough to find a unit half of which is foreign."""
    return _are_too_many(np.floor((1 - HALF**2) * facts.chance_pairs), facts)


def _are_too_many(n_violations: np.ndarray, facts: SpikeFacts) -> np.ndarray:
    most = 1 - (1 - MOST_CONTAMINATION) ** 2
    p = poisson.sf(n_violations - 1, most * facts.chance_pairs)
    return p < ALPHA / max(len(facts.units), 1)


def check_refractory(raw: RawSession, facts: SpikeFacts) -> list[Notice]:
    """Return a notice of the units whose violations imply that other neurons are in them."""
    found = np.flatnonzero(find_contaminated(facts))
    if not found.size:
        return []
    contamination = estimate_contamination(facts.n_violations, facts.chance_pairs)
    worst = found[np.argsort(-contamination[found], kind="stable")]
    rows = facts.units[worst]
    return [
        CONTAMINATED(
            n=found.size,
            n_units=len(facts.units),
            refractory_ms=1000 * REFRACTORY,
            limit=MOST_CONTAMINATION,
            median=float(np.median(contamination[found])),
            labels=describe_labels(raw, rows),
            units=name_units(raw, rows),
            rows=rows.tolist(),
        )
    ]
