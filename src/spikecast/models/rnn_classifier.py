"""A recurrent network that reads a trial's bins in order and tells its label."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from spikecast.core.checks import check_one_of, check_same_length
from spikecast.core.seeding import make_rng
from spikecast.models.inner_cv import note_validation
from spikecast.models.networks.classifier import POOLINGS, RecurrentClassifier
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.recurrent import CELLS
from spikecast.models.networks.training import pick_device, train_network
from spikecast.models.neural import VALID_PARTS, pick_settings
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.shared_docs import complete_docs
from spikecast.models.trial_features import check_trials, split_classes
from spikecast.tasks.splits import Fold

BALANCES = ("weights", "sampling", "none")


@dataclass(eq=False, repr=False)
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
    {features}
    dropout : float
        Probability with which an input or a pooled state is dropped in training.
    {training}
    {patience}
    {device}

    Attributes
    ----------
    classes_ : array, (class,)
        Sorted; the order of the columns of ``predict_proba``.
    features_ : PopulationFeatures
    network_ : RecurrentClassifier
    training_ : dict
        As in :class:`spikecast.models.neural.NeuralModel`.

    References
    ----------
    Cho et al. 2014, EMNLP (arXiv 1406.1078).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["left", "right"], 20)
    >>> x = rng.poisson(np.where(labels == "left", 0.2, 0.8)[:, None, None], (40, 10, 5))
    >>> RNNClassifier(n_latents=4, epochs=3).fit(x, labels).predict_proba(x).shape
    (40, 2)
    """

    cell: str = "gru"
    n_latents: int = 16
    pooling: str = "attention"
    balance: str = "weights"
    widths: Sequence[float] = (3.0,)
    n_components: int = 20
    dropout: float = 0.4
    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 0.005
    weight_decay: float = 0.1
    patience: int | None = 10
    device: str = "auto"
    seed: int = 0

    def fit(self, x: np.ndarray, labels: np.ndarray) -> Self:
        """Learn to tell the `labels` (trial,) from `x` (trial, time, neuron).

        Raises
        ------
        NotEnoughDataError
            When there are fewer than two classes.
        """
        x, labels = check_trials(x), np.asarray(labels)
        check_same_length("x", len(x), "labels", len(labels))
        check_one_of("cell", self.cell, list(CELLS))
        check_one_of("pooling", self.pooling, POOLINGS)
        check_one_of("balance", self.balance, BALANCES)
        self.classes_, codes = split_classes(labels)
        self.features_ = PopulationFeatures(self.widths, self.n_components)
        z = self.features_.fit_transform(x)
        one_hot = np.eye(len(self.classes_), dtype=np.float32)[codes][:, np.newaxis]
        fold = _draw_validation_fold(codes, self.seed)
        note_validation(fold.test)
        if self.balance == "weights":
            one_hot = one_hot / (one_hot.mean(axis=0) * len(self.classes_))
        if self.balance == "sampling":
            fold = Fold(_repeat_rare_classes(fold.train, codes, self.seed), fold.test)
        self.network_, history = train_network(
            lambda: RecurrentClassifier(
                n_features=z.shape[2],
                n_classes=len(self.classes_),
                **pick_settings(self, RecurrentClassifier),
            ),
            z,
            one_hot,
            [fold],
            Plan(**pick_settings(self, Plan)),
            self.seed,
            pick_device(self.device),
        )
        self.training_ = asdict(history)
        return self

    @torch.no_grad()
    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of each class, (trial, class), in the order of ``classes_``."""
        check_is_fitted(self, "network_")
        z = torch.from_numpy(self.features_.transform(check_trials(x)))
        return self.network_(z[None])[0, :, 0].softmax(dim=-1).numpy()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the most probable class of each trial, (trial,)."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]


complete_docs(RNNClassifier)


def _draw_validation_fold(codes: np.ndarray, seed: int) -> Fold:
    """Return a fold whose test part is a fifth of each class, none of a class with fewer trials."""
    order = make_rng(seed, "validation").permutation(len(codes))
    valid = [
        order[codes[order] == code][VALID_PARTS - 1 :: VALID_PARTS] for code in np.unique(codes)
    ]
    test = np.sort(np.concatenate(valid))
    return Fold(np.setdiff1d(np.arange(len(codes)), test), test)


def _repeat_rare_classes(trials: np.ndarray, codes: np.ndarray, seed: int) -> np.ndarray:
    """Return the trials, those of small classes repeated at random until all are of one size."""
    rng = make_rng(seed, "balance")
    classes = [trials[codes[trials] == code] for code in np.unique(codes)]
    largest = max(map(len, classes))
    drawn = [np.append(own, rng.choice(own, largest - len(own))) for own in classes]
    return np.concatenate(drawn)
