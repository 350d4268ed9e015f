"""The catalogue of decoders: a plain dict from a name to a function that makes one.

Each is scaled in the fold and tuned on inner folds of the training trials. Linear discriminant
analysis here is scikit-learn's with Ledoit-Wolf shrinkage; the one that decodes over time is in
:mod:`spikecast.analysis.decoding.hat_matrix`.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import ParameterGrid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from spikecast.core.seeding import make_rng
from spikecast.models.classifiers import CLASSIFIERS
from spikecast.tasks.splits import split_by_stratum, split_by_trial

INNER_FOLDS = 3
BALANCES = ("weights", "subsample", "none")


class Entry(NamedTuple):
    """An estimator and the few settings that are tried on inner folds."""

    estimator: BaseEstimator
    grid: Mapping[str, Sequence[Any]]


def _rbf_svm(seed: int) -> Entry:
    return Entry(SVC(kernel="rbf"), {"C": (0.3, 1.0, 3.0, 10.0)})


def _linear_svm(seed: int) -> Entry:
    return Entry(SVC(kernel="linear"), {"C": (0.001, 0.01, 0.1)})


def _logistic_l2(seed: int) -> Entry:
    return Entry(LogisticRegression(max_iter=500), {"C": (0.001, 0.01, 0.1, 1.0)})


def _logistic_l1(seed: int) -> Entry:
    estimator = LogisticRegression(
        l1_ratio=1.0, solver="saga", max_iter=300, tol=1e-2, random_state=seed
    )
    return Entry(estimator, {"C": (0.03, 0.1, 0.3, 1.0)})


def _lda(seed: int) -> Entry:
    return Entry(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), {})


def _mlp(seed: int) -> Entry:
    estimator = MLPClassifier((32,), max_iter=100, learning_rate_init=0.01, random_state=seed)
    return Entry(estimator, {"alpha": (0.1, 1.0, 10.0)})


def _ridge(seed: int) -> Entry:
    return Entry(Ridge(), {"alpha": (1.0, 10.0, 100.0, 1000.0)})


DECODERS: dict[str, Callable[[int], Entry]] = {
    "lda": _lda,
    "logistic_l2": _logistic_l2,
    "logistic_l1": _logistic_l1,
    "linear_svm": _linear_svm,
    "rbf_svm": _rbf_svm,
    "mlp": _mlp,
    "ridge": _ridge,
}

SEQUENCE_DECODERS: dict[str, Callable[[int], BaseEstimator]] = dict(CLASSIFIERS)
"""Decoders that read whole trials, (trial, time, feature): those of the catalogue of models.

``fit(x, codes)`` learns, preprocessing and stopping included; ``predict(x)`` returns codes. All
weigh classes as if they were equally frequent.
"""


class Decoder:
    """A decoder of the catalogue with scaling, tuning and class balance; fits samples of trials.

    Parameters
    ----------
    name : str
        Of :data:`DECODERS`. ``"ridge"`` predicts numbers, the others classes.
    balance : {"weights", "subsample", "none"}
        Classes weigh the same in the loss (in LDA: equal priors); or trials of larger classes are
        left out at random over the whole session until all are of equal size.
    seed : int

    Attributes
    ----------
    chosen_ : dict
        The settings picked on inner folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 30); x = rng.normal(size=(60, 4)) + y[:, np.newaxis]
    >>> float((Decoder("logistic_l2").fit(x, y).predict(x) == y).mean()) > 0.8
    True
    """

    def __init__(self, name: str, balance: str = "weights", seed: int = 0) -> None:
        self.name, self.balance, self.seed = name, balance, seed

    def fit(self, x: np.ndarray, y: np.ndarray, trial: np.ndarray | None = None) -> Self:
        """Learn from samples.

        Parameters
        ----------
        x : array, (sample, feature)
        y : array, (sample,)
        trial : array of int, (sample,), optional
            The trial a sample belongs to: trials stay whole in inner folds and subsamples.
        """
        trial = np.arange(len(y)) if trial is None else trial
        if self.balance == "subsample" and self.name != "ridge":
            kept = self._even(y, trial)
            x, y, trial = x[kept], y[kept], trial[kept]
        # a null's labels may leave a fold with one class
        self.only_ = y[0] if (y == y[0]).all() else None
        if self.only_ is not None:
            return self
        entry = DECODERS[self.name](self.seed)
        candidates = list(ParameterGrid(entry.grid))
        self.chosen_ = candidates[0]
        if len(candidates) > 1:
            self.chosen_ = self._tuned(entry.estimator, candidates, x, y, trial)
        self.pipeline_ = self._fitted(clone(entry.estimator).set_params(**self.chosen_), x, y)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return a code, or a number, per sample."""
        if self.only_ is not None:
            return np.full(len(x), self.only_)
        return self.pipeline_.predict(x)

    def _even(self, y: np.ndarray, trial: np.ndarray) -> np.ndarray:
        """Samples of as many trials of each class, random over the session."""
        rng = make_rng(self.seed, "balance")
        trials, first = np.unique(trial, return_index=True)
        classes, sizes = np.unique(y[first], return_counts=True)
        chosen = [rng.permutation(trials[y[first] == c])[: sizes.min()] for c in classes]
        return np.isin(trial, np.concatenate(chosen))

    def _tuned(
        self,
        estimator: BaseEstimator,
        candidates: list[dict[str, Any]],
        x: np.ndarray,
        y: np.ndarray,
        trial: np.ndarray,
    ) -> dict[str, Any]:
        """The candidate with the best mean score on inner folds of whole trials."""
        trials, first, index = np.unique(trial, return_index=True, return_inverse=True)
        numbers = self.name == "ridge"
        least = len(trials) if numbers else np.unique(y[first], return_counts=True)[1].min()
        if least < 2 * INNER_FOLDS:
            return candidates[0]
        folds = (
            split_by_trial(len(trials), INNER_FOLDS, self.seed)
            if numbers
            else split_by_stratum(y[first], INNER_FOLDS, self.seed)
        )
        score = r2_score if numbers else balanced_accuracy_score
        totals = np.zeros(len(candidates))
        for fold in folds:
            train, test = np.isin(index, fold.train), np.isin(index, fold.test)
            for place, candidate in enumerate(candidates):
                made = self._fitted(clone(estimator).set_params(**candidate), x[train], y[train])
                totals[place] += score(y[test], made.predict(x[test]))
        return candidates[int(totals.argmax())]

    def _fitted(self, estimator: BaseEstimator, x: np.ndarray, y: np.ndarray) -> Pipeline:
        weights: dict[str, np.ndarray] = {}
        if self.balance == "weights" and self.name != "ridge":
            if has_fit_parameter(estimator, "sample_weight"):
                step = type(estimator).__name__.lower()
                weights = {f"{step}__sample_weight": compute_sample_weight("balanced", y)}
            else:
                n_classes = np.unique(y).size
                estimator.set_params(priors=np.full(n_classes, 1 / n_classes))
        with warnings.catch_warnings():
            # stopping early is a form of regularisation; held-out scores judge it
            warnings.simplefilter("ignore", ConvergenceWarning)
            return make_pipeline(StandardScaler(), estimator).fit(x, y, **weights)
