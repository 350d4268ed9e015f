"""What is expected of target neurons without any source, once for all sources of an atlas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecast.core.precision import to_half
from spikecast.data.dataset import Kind
from spikecast.evaluation.ladder import expect_fold
from spikecast.models.trial_nulls import TrialNull
from spikecast.scoring.metrics import log_likelihood
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts


@dataclass(frozen=True)
class Expected:
    """What a null expects of some neurons, in every fold.

    Attributes
    ----------
    neurons : array, (target,)
        Their numbers in the recording, rising.
    held_out : array, (trial, time, target)
        Of each trial, by the fit of the fold that holds it out.
    left : sequence of array, (trial, time, target)
        For each fold, what its null leaves of every training trial, predicted from the other
        training trials (0 for trials that are none).
    fit : array, (trial, target)
        How well held-out trials are expected: log-likelihood in nats for counts, else minus the
        squared error.
    """

    neurons: np.ndarray
    held_out: np.ndarray
    left: Sequence[np.ndarray]
    fit: np.ndarray

    def find(self, neurons: np.ndarray) -> np.ndarray:
        """Return the places of some of the neurons, (target,)."""
        return np.searchsorted(self.neurons, neurons)


def expect_without_source(
    activity: np.ndarray,
    neurons: np.ndarray,
    folds: Sequence[Fold],
    null: TrialNull,
    facts: TrialFacts,
    kind: Kind = "counts",
) -> Expected:
    """Fit a null to neurons in every fold.

    Examples
    --------
    >>> from spikecast.models.source_free import SourceFree
    >>> from spikecast.tasks.splits import split_by_trial
    >>> counts = np.ones((20, 6, 3), dtype=int)
    >>> expected = expect_without_source(
    ...     counts, np.arange(3), split_by_trial(20, 4), SourceFree(), TrialFacts.unknown(20))
    >>> expected.held_out[0, 0].round(2).tolist()
    [1.0, 1.0, 1.0]
    """
    neurons = np.unique(neurons)
    y = activity[:, :, neurons]
    held_out, left = np.ones(y.shape, dtype=np.float32), []
    for fold in folds:
        base = expect_fold(null, y, fold, facts)
        held_out[fold.test] = base[fold.test]
        rest = np.zeros_like(base)
        rest[fold.train] = y[fold.train] - base[fold.train]
        # the largest arrays of an atlas; of counts half the precision changes nothing
        left.append(to_half(rest) if kind == "counts" else rest)
    if kind == "counts":
        fit = log_likelihood(y, held_out).sum(axis=1, dtype=float)
    else:
        fit = -np.square(y - held_out).sum(axis=1, dtype=float)
    return Expected(neurons, held_out, left, fit)
