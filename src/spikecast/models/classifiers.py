"""Labels of trials from activity: scikit-learn classifiers on trial x time x neuron arrays.

``CLASSIFIERS`` maps a name to a factory; all learn their preprocessing inside ``fit``.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from spikecast.core.checks import (
    check_finite,
    check_in_range,
    check_one_of,
    check_same_length,
    check_three_axes,
)
from spikecast.core.errors import NotEnoughDataError, ShapeError
from spikecast.core.seeding import make_rng
from spikecast.models.networks.classifier import POOLINGS, RecurrentClassifier
from spikecast.models.networks.recurrent import CELLS
from spikecast.models.networks.training import Plan, pick_device, train
from spikecast.models.preprocess import PopulationFeatures
from spikecast.tasks.splits import Fold

VALID_PARTS = 5  # one fifth of each class decides when to stop
BALANCES = ("weights", "sampling", "none")


class RNNClassifier(ClassifierMixin, BaseEstimator):
    """Population features -> bidirectional recurrent layer -> pooling over time -> label.

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}
    n_latents : int
        Per direction.
    pooling : {"attention", "last"}
        A learnt average over bins, or the last state.
    balance : {"weights", "sampling", "none"}
        Rare classes count more in the loss, or their trials (from anywhere in the session) are
        drawn more often; both make the probabilities those of equally frequent classes.
    widths, n_components
        Of the input features, see :class:`spikecast.models.preprocess.PopulationFeatures`.
    dropout : float
    epochs, batch_size, learning_rate, weight_decay, patience
        See :class:`spikecast.models.networks.training.Plan`.
    device : str
    seed : int

    Attributes
    ----------
    classes_ : array, (class,)
        Sorted; the order of the columns of ``predict_proba``.
    features_ : PopulationFeatures
    network_ : RecurrentClassifier
    training_ : dict
        As in :class:`spikecast.models.neural.NeuralModel`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["left", "right"], 20)
    >>> x = rng.poisson(np.where(labels == "left", 0.2, 0.8)[:, None, None], (40, 10, 5))
    >>> RNNClassifier(n_latents=4, epochs=3).fit(x, labels).predict_proba(x).shape
    (40, 2)
    """

    def __init__(
        self,
        cell: str = "gru",
        n_latents: int = 16,
        pooling: str = "attention",
        balance: str = "weights",
        widths: Sequence[float] = (3.0,),
        n_components: int = 20,
        dropout: float = 0.4,
        epochs: int = 30,
        batch_size: int = 16,
        learning_rate: float = 0.005,
        weight_decay: float = 0.1,
        patience: int | None = 10,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.cell = cell
        self.n_latents = n_latents
        self.pooling = pooling
        self.balance = balance
        self.widths = widths
        self.n_components = n_components
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.device = device
        self.seed = seed

    def fit(self, x: np.ndarray, labels: np.ndarray) -> Self:
        """Learn to tell the `labels` (trial,) from `x` (trial, time, neuron).

        Raises
        ------
        NotEnoughDataError
            When there are fewer than two classes.
        """
        x, labels = _checked(x), np.asarray(labels)
        check_same_length("x", len(x), "labels", len(labels))
        check_one_of("cell", self.cell, list(CELLS))
        check_one_of("pooling", self.pooling, POOLINGS)
        check_one_of("balance", self.balance, BALANCES)
        self.classes_, codes = _classes(labels)
        self.features_ = PopulationFeatures(self.widths, self.n_components)
        z = self.features_.fit_transform(x)
        one_hot = np.eye(len(self.classes_), dtype=np.float32)[codes][:, np.newaxis]
        fold = _validation_fold(codes, self.seed)
        if self.balance == "weights":
            one_hot = one_hot / (one_hot.mean(axis=0) * len(self.classes_))
        if self.balance == "sampling":
            fold = Fold(_evenly_drawn(fold.train, codes, self.seed), fold.test)
        self.network_, history = train(
            lambda: RecurrentClassifier(
                self.cell,
                z.shape[2],
                self.n_latents,
                len(self.classes_),
                self.pooling,
                self.dropout,
            ),
            torch.from_numpy(z),
            torch.from_numpy(one_hot),
            [fold],
            Plan(
                epochs=self.epochs,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                patience=self.patience,
            ),
            self.seed,
            pick_device(self.device),
        )
        self.training_ = asdict(history)
        return self

    @torch.no_grad()
    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of each class, (trial, class), in the order of ``classes_``."""
        check_is_fitted(self, "network_")
        z = torch.from_numpy(self.features_.transform(_checked(x)))
        return self.network_(z[None])[0, :, 0].softmax(dim=-1).numpy()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the most probable class of each trial, (trial,)."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]


class TrialFeatures(TransformerMixin, BaseEstimator):
    """One row per trial: principal components of smoothed activity, averaged in wide bins.

    Parameters
    ----------
    widths : sequence of float
        Smoothing widths in bins.
    n_components : int
        Principal components per width.
    n_windows : int
        A trial's bins are averaged in so many windows, fewer where there are fewer bins.

    Examples
    --------
    >>> x = np.random.default_rng(0).poisson(0.3, size=(10, 40, 8))
    >>> TrialFeatures(n_components=5, n_windows=8).fit_transform(x).shape
    (10, 40)
    """

    def __init__(
        self, widths: Sequence[float] = (3.0,), n_components: int = 20, n_windows: int = 8
    ) -> None:
        self.widths = widths
        self.n_components = n_components
        self.n_windows = n_windows

    def fit(self, x: np.ndarray, y: np.ndarray | None = None) -> Self:
        """Learn the components from `x` (trial, time, neuron); `y` (trial,) is only checked."""
        x = _checked(x)
        if y is not None:
            check_same_length("x", len(x), "labels", len(y))
            _classes(y)
        check_in_range("n_windows", self.n_windows, 1)
        self.n_bins_ = x.shape[1]
        self.features_ = PopulationFeatures(self.widths, self.n_components).fit(x)
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return (trial, window * width * component)."""
        check_is_fitted(self, "features_")
        x = _checked(x)
        if x.shape[1] != self.n_bins_:
            raise ShapeError(f"x has {x.shape[1]} bins; the model was fitted on {self.n_bins_}")
        windows = np.array_split(
            self.features_.transform(x), min(self.n_windows, self.n_bins_), axis=1
        )
        return np.concatenate([window.mean(axis=1) for window in windows], axis=1)


def linear(seed: int = 0) -> Pipeline:
    """Logistic regression on a trial's components in windows, classes weighted (Cox 1958)."""
    return make_pipeline(
        TrialFeatures(),
        StandardScaler(),
        LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000, random_state=seed),
    )


def svm(seed: int = 0) -> Pipeline:
    """Support vector machine with a Gaussian kernel on the same (Cortes & Vapnik 1995)."""
    return make_pipeline(
        TrialFeatures(), StandardScaler(), SVC(class_weight="balanced", random_state=seed)
    )


def mlp(seed: int = 0) -> Pipeline:
    """One hidden layer, strongly regularised, on the same; no class weights (Rosenblatt 1958)."""
    return make_pipeline(
        TrialFeatures(),
        StandardScaler(),
        MLPClassifier((32,), alpha=30.0, solver="lbfgs", max_iter=2000, random_state=seed),
    )


def rnn(seed: int = 0) -> RNNClassifier:
    """Bidirectional GRU with attention over a trial's bins (Cho et al. 2014)."""
    return RNNClassifier(seed=seed)


CLASSIFIERS: dict[str, Callable[..., BaseEstimator]] = {
    "linear_classifier": linear,
    "svm_classifier": svm,
    "mlp_classifier": mlp,
    "rnn_classifier": rnn,
}


def _checked(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    check_three_axes("x", x)
    check_finite("x", x)
    if 0 in x.shape:
        raise NotEnoughDataError(f"x is empty: {x.shape}")
    return x


def _classes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes, sorted, and the position of each trial's among them."""
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise NotEnoughDataError(
            f"labels hold {len(classes)} class; at least 2 are needed to tell apart"
        )
    return classes, codes


def _validation_fold(codes: np.ndarray, seed: int) -> Fold:
    """A fifth of each class, at random, to stop on; none of a class with fewer trials than that."""
    order = make_rng(seed, "validation").permutation(len(codes))
    valid = [
        order[codes[order] == code][VALID_PARTS - 1 :: VALID_PARTS] for code in np.unique(codes)
    ]
    test = np.sort(np.concatenate(valid))
    return Fold(np.setdiff1d(np.arange(len(codes)), test), test)


def _evenly_drawn(trials: np.ndarray, codes: np.ndarray, seed: int) -> np.ndarray:
    """Trials of every class, repeated at random until each class has as many as the largest."""
    rng = make_rng(seed, "balance")
    classes = [trials[codes[trials] == code] for code in np.unique(codes)]
    largest = max(map(len, classes))
    drawn = [np.append(own, rng.choice(own, largest - len(own))) for own in classes]
    return np.concatenate(drawn)
