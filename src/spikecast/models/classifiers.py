"""The catalogue of decoders of labels: a plain dict from a name to what the decoder is.

Some read a sample's features (a bin, or a trial's average) and are tuned by :class:`Decoder` on
whole trials; others read all bins of a trial in order and come with their settings.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from spikecast.core.seeding import make_rng
from spikecast.models.inner_cv import note_validation
from spikecast.models.shrunk_covariance import ScaledLedoitWolf
from spikecast.models.trial_features import TrialFeatures
from spikecast.tasks.splits import split_by_stratum, split_by_trial

INNER_FOLDS = 3
BALANCES = ("weights", "subsample", "none")


@dataclass(frozen=True)
class Classifier:
    """An entry of the catalogue: how to make a decoder that is not fitted, from a seed.

    Some read whole trials, (trial, time, feature), and learn their preprocessing too; the others
    read samples, (sample, feature). `grid` holds values of settings to choose from on inner folds
    of the training trials.
    """

    about: str
    paper: str
    make: Callable[[int], BaseEstimator]
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    reads_trials: bool = False
    predicts_numbers: bool = False  # labels are numbers and not classes


class ShrunkDiscriminant(LinearDiscriminantAnalysis):
    """Linear discriminant analysis with a shrunk covariance, also where no class varies in itself.

    There scikit-learn has no weights at all, and finds one class: the nearest mean is taken.
    """

    coef_: np.ndarray
    means_: np.ndarray

    def __init__(self, priors: np.ndarray | None = None) -> None:
        super().__init__(solver="lsqr", covariance_estimator=ScaledLedoitWolf(), priors=priors)

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Learn the classes (sample,) of `x` (sample, feature)."""
        super().fit(x, y)
        if not self.coef_.any():
            means = self.means_
            level = np.log(self.priors_) - 0.5 * np.square(means).sum(axis=1)
            of_two = len(means) == 2
            self.coef_ = np.diff(means, axis=0) if of_two else means
            self.intercept_ = np.diff(level) if of_two else level
        return self


def _make_rnn(seed: int) -> BaseEstimator:
    from spikecast.models.rnn_classifier import RNNClassifier  # torch takes seconds to import

    return RNNClassifier(seed=seed)


def _make_from_features(estimator: BaseEstimator) -> BaseEstimator:
    return make_pipeline(TrialFeatures(), StandardScaler(), estimator)


CLASSIFIERS: dict[str, Classifier] = {
    "lda": Classifier(
        "linear discriminant analysis with a shrunk covariance",
        "Fisher 1936; Ledoit & Wolf 2004",
        lambda seed: ShrunkDiscriminant(),
    ),
    "logistic_l2": Classifier(
        "logistic regression with an L2 penalty",
        "Cox 1958",
        lambda seed: LogisticRegression(max_iter=500),
        {"C": (0.001, 0.01, 0.1, 1.0)},
    ),
    "logistic_l1": Classifier(
        "logistic regression with an L1 penalty: few neurons get weight",
        "Tibshirani 1996",
        lambda seed: LogisticRegression(
            l1_ratio=1.0, solver="saga", max_iter=300, tol=1e-2, random_state=seed
        ),
        {"C": (0.03, 0.1, 0.3, 1.0)},
    ),
    "linear_svm": Classifier(
        "support vector machine without a kernel",
        "Cortes & Vapnik 1995",
        lambda seed: SVC(kernel="linear"),
        {"C": (0.001, 0.01, 0.1)},
    ),
    "rbf_svm": Classifier(
        "support vector machine with a Gaussian kernel",
        "Cortes & Vapnik 1995",
        lambda seed: SVC(kernel="rbf"),
        {"C": (0.3, 1.0, 3.0, 10.0)},
    ),
    "mlp": Classifier(
        "perceptron with one hidden layer",
        "Rosenblatt 1958",
        lambda seed: MLPClassifier((32,), max_iter=100, learning_rate_init=0.01, random_state=seed),
        {"alpha": (0.1, 1.0, 10.0)},
    ),
    "ridge": Classifier(
        "ridge regression, for labels that are numbers",
        "Hoerl & Kennard 1970",
        lambda seed: Ridge(),
        {"alpha": (1.0, 10.0, 100.0, 1000.0)},
        predicts_numbers=True,
    ),
    "linear_classifier": Classifier(
        "logistic regression on a trial's components in windows, classes weighted",
        "Cox 1958",
        lambda seed: _make_from_features(
            LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000, random_state=seed)
        ),
        reads_trials=True,
    ),
    "svm_classifier": Classifier(
        "support vector machine with a Gaussian kernel on a trial's components in windows",
        "Cortes & Vapnik 1995",
        lambda seed: _make_from_features(SVC(class_weight="balanced", random_state=seed)),
        reads_trials=True,
    ),
    "mlp_classifier": Classifier(
        "one hidden layer, strongly regularised, on a trial's components in windows",
        "Rosenblatt 1958",
        lambda seed: _make_from_features(
            MLPClassifier((32,), alpha=30.0, solver="lbfgs", max_iter=2000, random_state=seed)
        ),
        reads_trials=True,
    ),
    "rnn_classifier": Classifier(
        "bidirectional GRU with attention over a trial's bins",
        "Cho et al. 2014",
        _make_rnn,
        reads_trials=True,
    ),
}


class Decoder:
    """A decoder of samples with scaling, tuning and class balance.

    `name` is one of :data:`CLASSIFIERS` that reads samples. With balance ``"weights"`` classes
    weigh the same in the loss (in LDA: equal priors); with ``"subsample"`` trials of larger classes
    are left out at random over the whole session until all are of equal size. After ``fit``,
    `chosen_` are the settings picked on inner folds, `search_score_` is their balanced accuracy
    there (R2 for numbers), where there was a choice.

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
        """Learn `y` (sample,) from `x` (sample, feature).

        `trial` (sample,) are trials of the samples, which inner folds and subsamples keep whole.
        """
        trial = np.arange(len(y)) if trial is None else trial
        entry = CLASSIFIERS[self.name]
        if self.balance == "subsample" and not entry.predicts_numbers:
            drawn = self._draw_balanced(y, trial)
            x, y, trial = x[drawn], y[drawn], trial[drawn]
        # a null's labels may leave a fold with one class
        self.single_label_ = y[0] if (y == y[0]).all() else None
        if self.single_label_ is not None:
            return self
        self.center_, self.unit_ = 0.0, 1.0
        if entry.predicts_numbers:  # features in single precision have numbers taken in it, too
            self.center_, self.unit_ = float(np.mean(y)), float(np.std(y))
            y = (y - self.center_) / self.unit_
        weighted = self.balance == "weights" and not entry.predicts_numbers
        estimator = ScaledEstimator(entry.make(self.seed), weighted)
        candidates = list(ParameterGrid(entry.grid))
        folds = self._make_inner_folds(y, trial) if len(candidates) > 1 else []
        if folds:
            for _, valid in folds:
                note_validation(np.unique(trial[valid]))
            search = GridSearchCV(
                estimator,
                {f"estimator__{name}": list(values) for name, values in entry.grid.items()},
                scoring="r2" if entry.predicts_numbers else "balanced_accuracy",
                cv=folds,
                error_score="raise",
            ).fit(x, y)
            self.chosen_ = {
                name.removeprefix("estimator__"): value
                for name, value in search.best_params_.items()
            }
            self.estimator_, self.search_score_ = search.best_estimator_, search.best_score_
        else:
            self.chosen_ = candidates[0]
            estimator.estimator.set_params(**self.chosen_)
            self.estimator_ = estimator.fit(x, y)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return a code, or a number, per sample."""
        if self.single_label_ is not None:
            return np.full(len(x), self.single_label_)
        predicted = self.estimator_.predict(x)
        if not CLASSIFIERS[self.name].predicts_numbers:
            return predicted
        return self.center_ + self.unit_ * predicted.astype(float)

    def _draw_balanced(self, y: np.ndarray, trial: np.ndarray) -> np.ndarray:
        """Return samples (a mask) of as many trials of each class, random over the session."""
        rng = make_rng(self.seed, "balance")
        trials, first = np.unique(trial, return_index=True)
        classes, sizes = np.unique(y[first], return_counts=True)
        chosen = [rng.permutation(trials[y[first] == c])[: sizes.min()] for c in classes]
        return np.isin(trial, np.concatenate(chosen))

    def _make_inner_folds(
        self, y: np.ndarray, trial: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return training and validation samples of inner folds of whole trials.

        There are no folds where a class has too few trials to choose settings by.
        """
        trials, first, index = np.unique(trial, return_index=True, return_inverse=True)
        numbers = CLASSIFIERS[self.name].predicts_numbers
        least = len(trials) if numbers else np.unique(y[first], return_counts=True)[1].min()
        if least < 2 * INNER_FOLDS:
            return []
        folds = (
            split_by_trial(len(trials), INNER_FOLDS, self.seed)
            if numbers
            else split_by_stratum(y[first], INNER_FOLDS, self.seed)
        )
        return [
            (np.flatnonzero(np.isin(index, fold.train)), np.flatnonzero(np.isin(index, fold.test)))
            for fold in folds
        ]


class ScaledEstimator(BaseEstimator):
    """An estimator of scaled features, in which all classes may weigh the same.

    If weighted, rare classes count more: as sample weights, or as equal priors where the estimator
    takes no weights.
    """

    def __init__(self, estimator: BaseEstimator, weighted: bool) -> None:
        self.estimator = estimator
        self.weighted = weighted

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Learn scale and estimator from `x` (sample, feature) and `y` (sample,)."""
        estimator = clone(self.estimator)
        weights: dict[str, np.ndarray] = {}
        if self.weighted and has_fit_parameter(estimator, "sample_weight"):
            weights = {"sample_weight": compute_sample_weight("balanced", y)}
        elif self.weighted:
            n_classes = np.unique(y).size
            estimator.set_params(priors=np.full(n_classes, 1 / n_classes))
        self.scaler_ = StandardScaler()
        with warnings.catch_warnings():
            # stopping early is a form of regularisation; held-out scores judge it
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.estimator_ = estimator.fit(self.scaler_.fit_transform(x), y, **weights)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return a code, or a number, per sample."""
        return self.estimator_.predict(self.scaler_.transform(x))
