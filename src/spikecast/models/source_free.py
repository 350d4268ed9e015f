"""The null of all that a target shows without any source: the task and the session's drift."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spikecast.models.drift import Drift
from spikecast.models.families import fit_weights
from spikecast.models.psth import PSTH
from spikecast.models.trial_nulls import TrialNull
from spikecast.tasks.trial_facts import TrialFacts


@dataclass(eq=False, repr=False)
class SourceFree(TrialNull):
    """The response to the trial's condition and the session's drift, together.

    log rate = log mean + a (log psth - log mean) + b (log drift - log mean), and the like with sums
    for continuous values. The weights a and b, not below 0, are fitted to predictions of training
    trials that were left out. A score above this null is what the source tells beyond the task and
    the session's drift.

    Parameters
    ----------
    {inner_folds}
    without : {"", "psth", "drift"}
        A part that is left out, to see what it explains.

    Attributes
    ----------
    psth_ : PSTH
    drift_ : Drift
    weights_ : array, (2,)
        Of the response and of the drift.

    See Also
    --------
    spikecast.models.BehaviorNull : with recorded behaviour.

    Examples
    --------
    >>> x, y = np.zeros((40, 3, 2)), np.ones((40, 3, 2), dtype=int)
    >>> SourceFree().fit(x, y).predict(x)[0, 0].round(2)
    array([1., 1.], dtype=float32)
    """

    title = "task and drift"
    about = "the response to the condition and the session's drift, together: no source at all"
    fit_record = ("weights_",)

    without: Literal["", "psth", "drift"] = ""

    def _fit_trials(self, y: np.ndarray, trials: TrialFacts) -> np.ndarray:
        settings = self.get_params()
        del settings["without"]
        x = y[..., :1]  # only its number of bins is read
        self.psth_, self.drift_ = PSTH(**settings), Drift(**settings)
        self._watch_inner_folds(len(y))
        parts = {
            "psth": self._deviate(self.psth_.fit_left_out(x, y, trials)),
            "drift": self._deviate(self.drift_.fit_left_out(x, y, trials)),
        }
        used = [name != self.without for name in parts]
        self.weights_ = np.zeros(2)
        self.weights_[used] = fit_weights(
            self.family, y, self.mean_, [parts[name] for name in parts if name != self.without]
        )
        return self._combine(*parts.values())

    def _learn(self, y: np.ndarray, trials: TrialFacts) -> None:
        self.psth_, self.drift_ = (
            part.learn_again(y, trials) for part in (self.psth_, self.drift_)
        )

    def _predict_trials(self, n_bins: int, trials: TrialFacts) -> np.ndarray:
        parts = (part._predict_trials(n_bins, trials) for part in (self.psth_, self.drift_))
        return self._combine(*map(self._deviate, parts))

    def _combine(self, response: np.ndarray, drift: np.ndarray) -> np.ndarray:
        deviation = self.weights_[0] * response + self.weights_[1] * drift
        return self.family.combine(self.mean_, deviation).astype(np.float32)

    def _deviate(self, prediction: np.ndarray) -> np.ndarray:
        return self.family.measure_deviation(prediction, self.mean_.astype(np.float32))
