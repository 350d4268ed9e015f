"""The least that a model has to beat: the mean."""

import numpy as np

from spikecast.models.base import Model


class MeanRate(Model):
    """Each target's mean over the training trials: the null itself, as a model.

    Attributes
    ----------
    mean_ : array, (target,)

    Examples
    --------
    >>> x, y = np.zeros((4, 3, 2)), np.ones((4, 3, 2), dtype=int)
    >>> MeanRate().fit(x, y).predict(x)[0, 0]
    array([1., 1.])
    """

    title = "mean rate"
    about = "each neuron's mean over the training trials: the null as a model"
    causal = True
    is_null = True
    why_not_searched = "a null has nothing to tune"

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.mean_ = y.mean(axis=(0, 1), dtype=float)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        mean = self._clip_to_rates(self.mean_)
        return np.broadcast_to(mean, (*x.shape[:2], self.n_targets_)).copy()
